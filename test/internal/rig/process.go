package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long anything may take. It is long because the machine may be busy,
// and no test measures it.
const Patience = 120 * time.Second

// A Process is a program that runs.
type Process struct {
	Log *Log

	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has ended and its log is complete
}

// A Command says what to start.
type Command struct {
	Name string   // in messages, like "postern-1"
	Path string   // the program
	Args []string // without the program
	Dir  string   // working directory; empty means the test's
	// Env is added to PATH, HOME and TMPDIR, which are all a process inherits.
	Env map[string]string
	// Stdout, if not nil, gets the standard output instead of the log.
	Stdout io.Writer
}

// Launch starts a process. When the test ends it is killed if it still runs; a failed
// test shows the end of its log.
func Launch(t testing.TB, c Command) *Process {
	t.Helper()
	p, err := start(t, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.name, p.Log.Tail(4000))
		}
	})
	return p
}

func start(t testing.TB, c Command) (*Process, error) {
	log, err := newLog(filepath.Join(t.TempDir(), c.Name+".log"))
	if err != nil {
		return nil, err
	}
	p := &Process{Log: log, name: c.Name, ended: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir, p.cmd.Env = c.Dir, environment(c.Env)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	if err := dog.note("+", p.Pid()); err != nil {
		_ = p.cmd.Process.Kill()
		return nil, fmt.Errorf("start %s: watchdog: %w", c.Name, err)
	}
	go p.reap()
	return p, nil
}

// environment is what a process sees: nothing of the settings of whoever runs the test, and
// each name once, or one value would hide the other by chance.
func environment(extra map[string]string) []string {
	values := map[string]string{}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "FIRESTORE_EMULATOR_HOST", "GOPROXY", "GOSUMDB", "GOFLAGS", "GOMODCACHE", "GOCACHE",
	} {
		if value, ok := os.LookupEnv(name); ok {
			values[name] = value
		}
	}
	maps.Copy(values, extra)
	var list []string
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

func (p *Process) reap() {
	_ = p.cmd.Wait()
	_ = dog.note("-", p.Pid())
	p.Log.close()
	close(p.ended)
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill is kill -9 of this process, by its id. It returns when the process is gone.
func (p *Process) Kill() { p.signal(syscall.SIGKILL) }

// Stop asks the process to end and waits until it has.
func (p *Process) Stop() { p.signal(syscall.SIGTERM) }

func (p *Process) signal(s os.Signal) {
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Signal(s) // it may have ended by itself just now
		<-p.ended
	}
}

// Wait waits for the process to end by itself and returns its exit code.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s still runs: %w", p.name, ctx.Err())
	}
}

// Write writes to the standard input.
func (p *Process) Write(data []byte) (int, error) { return p.stdin.Write(data) }

// CloseInput ends the standard input, for programs that end with it.
func (p *Process) CloseInput() error { return p.stdin.Close() }

// Says waits until the log matches re and returns the submatches.
func (p *Process) Says(ctx context.Context, re *regexp.Regexp) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	for {
		grown := p.Log.grown()
		if m := re.FindStringSubmatch(p.Log.String()); m != nil {
			return m, nil
		}
		select {
		case <-grown:
		case <-p.ended:
			if m := re.FindStringSubmatch(p.Log.String()); m != nil {
				return m, nil
			}
			return nil, fmt.Errorf("%s ended (%s) and never said %s:\n%s",
				p.name, p.cmd.ProcessState, re, p.Log.Tail(4000))
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not say %s: %w\n%s", p.name, re, ctx.Err(), p.Log.Tail(4000))
		}
	}
}

// A Log is what a process writes, in a file and in memory. It is safe for concurrent use.
type Log struct {
	mu     sync.Mutex
	file   *os.File
	text   bytes.Buffer
	change chan struct{}
}

func newLog(name string) (*Log, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &Log{file: f, change: make(chan struct{})}, nil
}

// Write appends.
func (l *Log) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.change)
	l.change = make(chan struct{})
	l.text.Write(data)
	n, err := l.file.Write(data)
	if errors.Is(err, os.ErrClosed) { // a grandchild may hold the pipe a little longer
		return len(data), nil
	}
	return n, err
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.file.Close()
}

// grown is closed at the next Write.
func (l *Log) grown() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change
}

// String is everything written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tail is the last n bytes, from the start of a line.
func (l *Log) Tail(n int) string {
	s := l.String()
	if len(s) <= n {
		return s
	}
	_, rest, _ := strings.Cut(s[len(s)-n:], "\n")
	return rest
}
