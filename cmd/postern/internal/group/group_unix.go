//go:build unix

package group

import "syscall"

// Terminate asks every process of a group to end, by the id of its leader. That it is gone
// already is not worth telling.
func Terminate(leader int) { _ = syscall.Kill(-leader, syscall.SIGTERM) }

// Kill ends every process of a group.
func Kill(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }
