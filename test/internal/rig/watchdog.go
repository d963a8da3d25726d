package rig

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// dog ends what this program started, also when this program is killed itself.
var dog watchdog

// A watchdog is a shell that is told the ids of processes over a pipe. When the pipe
// closes, however this program ends, it kills those that are left.
type watchdog struct {
	mu   sync.Mutex
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

const watch = `list=" "
while read -r sign pid; do
	case $sign in
	+) list="$list$pid " ;;
	-) list="${list%% $pid *} ${list#* $pid }" ;;
	esac
done
for pid in $list; do kill -KILL "$pid"; done 2>/dev/null`

// Guard has a process that one of ours started killed, at the latest when this program ends.
func Guard(pid int) error { return dog.note("+", pid) }

// note tells the dog that a process began ("+") or ended ("-").
func (d *watchdog) note(sign string, pid int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		if err := d.start(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(d.pipe, sign, pid)
	return err
}

func (d *watchdog) start() error {
	d.cmd = exec.Command("/bin/sh", "-c", watch)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is not for it
	pipe, err := d.cmd.StdinPipe()
	if err != nil {
		return err
	}
	d.pipe = pipe
	return d.cmd.Start()
}

func (d *watchdog) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return
	}
	_ = d.pipe.Close()
	_ = d.cmd.Wait()
	d.cmd = nil
}
