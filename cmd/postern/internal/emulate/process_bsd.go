//go:build unix && !linux

package emulate

import "syscall"

// childAttributes makes a child the leader of a process group, so that an interrupt at
// the terminal reaches this program alone. Only Linux ends a child whose parent was
// killed.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
