// Package group starts programs as the leaders of process groups of their own, and ends
// whole groups: a program that is started by a package runner or a script is a child of
// that, and would outlive it.
package group

import (
	"os/exec"
	"runtime"
	"sync"
)

// Start starts cmd as the leader of its own group, so that an interrupt at the terminal
// reaches this program alone. On Linux the kernel kills the leader if this program dies
// without a chance to do so.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = attributes()
	return onStarter(cmd.Start)
}

// onStarter calls f on a thread that lasts as long as the program. The kernel takes
// the end of the thread that started a child for the end of the parent.
func onStarter(f func() error) error {
	startStarter()
	result := make(chan error)
	starts <- func() { result <- f() }
	return <-result
}

var (
	starts       = make(chan func())
	startStarter = sync.OnceFunc(func() {
		go func() {
			runtime.LockOSThread()
			for f := range starts {
				f()
			}
		}()
	})
)
