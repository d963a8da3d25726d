package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// ordinary returns how programs are started that refuse root: as nobody if this process is
// root, else as it is. The group of its own keeps an interrupt at the terminal from them.
func ordinary() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses root, and there is no user nobody: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}

// ownDir makes a directory that belongs to who runs the programs.
func ownDir(attr *syscall.SysProcAttr) (string, error) {
	dir, err := os.MkdirTemp("", "postern-postgres-")
	if err != nil {
		return "", err
	}
	return dir, own(dir, attr)
}

func own(path string, attr *syscall.SysProcAttr) error {
	if attr.Credential == nil {
		return nil
	}
	return os.Chown(path, int(attr.Credential.Uid), int(attr.Credential.Gid))
}

// A daemon is a program behind a shell. The shell reads a pipe of which this program holds
// the other end; when that closes, by end or because this program died, it ends the program.
type daemon struct {
	command *exec.Cmd
	held    io.Closer
	log     string // file of what it says
	done    chan struct{}
}

// script runs "$@" until its standard input ends. $1 is the signal that ends it. A shell gives
// what it runs in the background /dev/null to read, so the pipe is passed on as 3.
const script = `signal=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
{ cat <&3 >/dev/null; kill -"$signal" "$pid" 2>/dev/null; } &
watch=$!
wait "$pid"
kill "$watch" 2>/dev/null`

// launch starts a program whose output goes to a file in dir, and that signal ends.
func launch(attr *syscall.SysProcAttr, dir, signal string, command ...string) (*daemon, error) {
	d := &daemon{log: filepath.Join(dir, filepath.Base(command[0])+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.command = exec.Command("/bin/sh", append([]string{"-c", script, "launch", signal}, command...)...)
	d.command.SysProcAttr, d.command.Dir = attr, dir
	d.command.Stdout, d.command.Stderr = log, log
	if d.held, err = d.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := d.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = d.command.Wait() // how it ended is in its log
		close(d.done)
	}()
	return d, nil
}

// end ends the program and waits for it.
func (d *daemon) end() {
	_ = d.held.Close()
	<-d.done
}

func (d *daemon) said() string {
	said, err := os.ReadFile(d.log)
	return string(said) + errText(err)
}

func errText(err error) string {
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return err.Error()
}
