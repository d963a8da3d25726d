package emulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/group"
)

// stopTime is how long a process may take after SIGTERM, as on Cloud Run.
const stopTime = 10 * time.Second

// A process is a child of this program and the leader of its own group.
type process struct {
	cmd  *exec.Cmd
	said *output
	done chan struct{} // closed when it ended and err is set
	err  error
}

// start starts cmd. Its lines go to out.
func start(cmd *exec.Cmd, out *lineWriter) (*process, error) {
	p := &process{cmd: cmd, said: &output{to: out}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.WaitDelay = time.Second
	if err := group.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop ends the process group, first by asking, and waits for its leader.
func (p *process) stop() {
	if p.ended() {
		return
	}
	group.Terminate(p.cmd.Process.Pid)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		group.Kill(p.cmd.Process.Pid)
		<-p.done
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failure says how the process ended and what it said last.
func (p *process) failure() error {
	<-p.done
	err := p.err
	if err == nil {
		err = errors.New("it ended by itself")
	}
	if said := p.said.tail(); said != "" {
		return fmt.Errorf("%w; it said:\n%s", err, said)
	}
	return err
}

// A lineWriter takes whole lines of several processes.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(line)
}

// tailLines is how many lines of a process are kept for telling why it ended.
const tailLines = 20

// An output splits what one process says into lines and keeps the last ones.
type output struct {
	to *lineWriter

	mu   sync.Mutex
	rest []byte
	last []string
}

// Write implements io.Writer. Empty lines, which the framework prints after each call,
// are left out.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, b...)
	for {
		i := bytes.IndexByte(o.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := bytes.Clone(o.rest[:i+1])
		o.rest = o.rest[i+1:]
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		o.to.write(line)
		o.last = append(o.last, string(line))
		o.last = o.last[max(0, len(o.last)-tailLines):]
	}
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(strings.Join(o.last, "") + string(o.rest))
}

// freeAddress returns an address of this computer that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
