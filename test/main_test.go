package test

import (
	"os"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run ends what the tests started, however they ended.
func run(m *testing.M) int {
	defer rig.Close()
	defer postgres.Stop()
	return emulator.Run(m)
}
