//go:build !unix

package group

import (
	"os"
	"syscall"
)

func attributes() *syscall.SysProcAttr { return nil }

// Terminate does nothing: this system has no way to ask.
func Terminate(int) {}

// Kill ends the leader. This system has no groups.
func Kill(leader int) {
	if p, err := os.FindProcess(leader); err == nil {
		_ = p.Kill()
	}
}
