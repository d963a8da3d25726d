package stdio

import (
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/group"
)

const (
	// closeTime is how long a process may take to end when its standard input ends, and
	// termTime how long after SIGTERM (MCP, stdio: Shutdown).
	closeTime = 2 * time.Second
	termTime  = 3 * time.Second
	// readTime is how long a process may leave a message unread.
	readTime = 10 * time.Second
)

// A process is the command, running as the leader of its own group.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *io.PipeReader // its messages
	said *lines         // what else it said
	done chan struct{}  // closed when it ended and err is set
	err  error
}

// start starts a command with an environment. What it says that is no message goes to log.
func start(args, env []string, log *slog.Logger) (*process, error) {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // stop ends it, by asking first
	p := &process{cmd: cmd, done: make(chan struct{})}
	p.said = &lines{each: func(line string) { log.Info("the command says", "line", line, "pid", p.pid()) }}
	var messages *io.PipeWriter
	p.out, messages = io.Pipe()
	stray := &lines{each: p.said.each}
	p.cmd.Env, p.cmd.WaitDelay = env, time.Second
	p.cmd.Stdout, p.cmd.Stderr = &output{messages: messages, others: stray}, p.said
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = impatient{in}
	if err := group.Start(p.cmd); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		group.Kill(p.pid()) // those that it started and left behind
		p.said.flush()
		stray.flush()
		messages.Close()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and those that it started, first by asking.
func (p *process) stop() {
	p.in.Close()
	p.out.Close()
	for _, step := range []struct {
		wait time.Duration
		then func(int)
	}{{closeTime, group.Terminate}, {termTime, group.Kill}} {
		select {
		case <-p.done:
			return
		case <-time.After(step.wait):
			step.then(p.pid())
		}
	}
	<-p.done
}

// failure says how the process ended and what it said last.
func (p *process) failure() error {
	<-p.done
	how := "status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	if said := p.said.tail(); said != "" {
		return fmt.Errorf("it ended with %s; it said:\n%s", how, said)
	}
	return fmt.Errorf("it ended with %s", how)
}

// impatient is a pipe to a process that has to read it.
type impatient struct{ io.WriteCloser }

func (i impatient) Write(b []byte) (int, error) {
	if pipe, ok := i.WriteCloser.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = pipe.SetWriteDeadline(time.Now().Add(readTime)) // where pipes have none, it waits
	}
	return i.WriteCloser.Write(b)
}
