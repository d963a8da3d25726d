package emulate

import "syscall"

// childAttributes makes a child the leader of a process group, so that an interrupt at
// the terminal reaches this program alone, and lets the kernel kill it if this program
// dies without a chance to do so.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
