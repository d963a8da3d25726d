package test

import (
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// The operator's check of a deployment, through the gateway, as a client sees it (E9).
func TestDoctorFindsNothingWrongBehindTheGateway(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.StartEmulated(t, 1, nil)
	doctorAgrees(t, s)
}
