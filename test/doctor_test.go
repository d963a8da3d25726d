package test

import (
	"context"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// The operator's check of a deployment, through the gateway, as a client sees it (E9).
func TestDoctorFindsNothingWrongBehindTheGateway(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.StartEmulated(t, 1, nil)
	doctor := rig.Command{Name: "doctor", Path: rig.Program(t, "cmd/postern"), Args: []string{"doctor", s.URL}}
	p := rig.Launch(t, doctor)
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if said := p.Log.String(); code != 0 || !strings.Contains(said, "challenge") {
		t.Errorf("got exit code %d, want 0:\n%s", code, said)
	}
}
