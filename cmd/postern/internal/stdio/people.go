package stdio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/store"
)

const (
	// greetTime is how long a process may take until it answers; a package runner may
	// fetch the server first.
	greetTime = time.Minute
	// goodTime is how long a process has to have lived to be started again at once.
	goodTime = time.Minute
	// firstPause is before a start after a process that ended early, for the second such
	// one; each next is twice as long, up to lastPause.
	firstPause, lastPause = 250 * time.Millisecond, 30 * time.Second
	// longestWait is how long a call waits for that. A longer pause is told to the caller.
	longestWait = 5 * time.Second
)

// What a call can come to before a process has it.
var (
	errClosed = &mcp.Unavailable{Status: http.StatusServiceUnavailable, Text: "this server stops"}
	errBusy   = &mcp.Unavailable{
		Status: http.StatusServiceUnavailable, Text: "too many people use this server right now: try again later",
	}
	errStart = &mcp.Unavailable{
		Status: http.StatusBadGateway, Text: "the server behind this one cannot be started: try again later",
	}
)

// people are the processes of a command, one for each person who uses it.
type people struct {
	args []string
	most int           // processes at a time
	idle time.Duration // how long a process may wait for a call
	log  *slog.Logger

	all sync.WaitGroup // of goroutines that look after a process

	mu     sync.Mutex
	living map[string]*living // by subject
	ends   map[string]ends    // early ones
	closed bool
}

// A living process, or one that is being started.
type living struct {
	ready chan struct{} // closed when peer or err is set
	peer  *peer
	err   error

	// Under the lock of people.
	calls int       // that go on, or wait for ready
	since time.Time // when the last of them ended
	timer *time.Timer

	end context.CancelFunc // asks it to end
}

// ends counts the processes of a person that ended early, one after the other.
type ends struct {
	count int
	last  time.Time
}

// pause is how long after the last end the next start is.
func (e ends) pause() time.Duration {
	if e.count <= 1 {
		return 0
	}
	return min(firstPause<<min(e.count-2, 16), lastPause)
}

// use returns the server of a person, started if need be. Release ends the use.
func (p *people) use(ctx context.Context, c mcp.Caller) (s *peer, release func(), err error) {
	l, err := p.enter(c)
	if err != nil {
		return nil, nil, err
	}
	release = func() { p.leave(c.Person.Subject, l) }
	select {
	case <-l.ready:
		err = l.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return l.peer, release, nil
}

// enter counts a call to the process of a person.
func (p *people) enter(c mcp.Caller) (*living, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject := c.Person.Subject
	l, ok := p.living[subject]
	if !ok || l.over() {
		if p.closed {
			return nil, errClosed
		}
		wait := time.Until(p.ends[subject].last.Add(p.ends[subject].pause()))
		if wait > longestWait {
			return nil, &mcp.Unavailable{
				Status: http.StatusBadGateway,
				Text: "the server behind this one ends again and again: try again in " +
					wait.Round(time.Second).String(),
			}
		}
		if len(p.living) >= p.most && !p.dismiss() {
			return nil, errBusy
		}
		ctx, end := context.WithCancel(context.Background())
		l = &living{ready: make(chan struct{}), end: end}
		p.living[subject] = l
		p.all.Go(func() { defer end(); p.look(ctx, c, l, wait) })
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.calls++
	return l, nil
}

// leave ends a call. A process without calls is ended when it has been idle for long.
func (p *people) leave(subject string, l *living) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.calls--
	if l.calls > 0 {
		return
	}
	l.since = time.Now()
	l.timer = time.AfterFunc(p.idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if l.calls == 0 {
			p.end(subject, l)
		}
	})
}

// end asks a process to end. The next call starts another one, so that none meets the end.
func (p *people) end(subject string, l *living) {
	l.end()
	if p.living[subject] == l {
		delete(p.living, subject)
	}
}

// over reports whether a process has ended, or could not be started.
func (l *living) over() bool {
	select {
	case <-l.ready:
	default:
		return false
	}
	if l.err != nil {
		return true
	}
	select {
	case <-l.peer.gone:
		return true
	default:
		return false
	}
}

// dismiss ends the process that has been idle longest, and reports whether there is one.
func (p *people) dismiss() bool {
	var longest *living
	var whose string
	for subject, l := range p.living {
		if l.calls == 0 && (longest == nil || l.since.Before(longest.since)) {
			longest, whose = l, subject
		}
	}
	if longest == nil {
		return false
	}
	p.end(whose, longest)
	return true
}

// look starts a process after a pause and sees it to its end, which comes when ctx ends.
func (p *people) look(ctx context.Context, c mcp.Caller, l *living, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
	log := p.log.With("person", store.PersonDocument(c.Person.Subject))
	process, peer, err := open(ctx, p.args, environment(os.Environ(), &c), log)
	if l.peer = peer; err != nil {
		l.err = errStart // the log has the reason
	}
	close(l.ready)
	began := time.Now()
	if err == nil {
		log.Info("the command runs", "pid", process.pid())
		select {
		case <-peer.gone:
			err = peer.failure()
		case <-ctx.Done():
		}
	}
	asked := ctx.Err() != nil
	p.gone(c.Person.Subject, l, asked, time.Since(began))
	if process != nil {
		process.stop()
	}
	switch {
	case asked:
		log.Info("the command was ended")
	case err != nil:
		log.Error("the command failed", "error", err)
	default:
		log.Error("the command ended by itself", "error", process.failure())
	}
}

// gone takes a process off the list, so that the next call starts another.
func (p *people) gone(subject string, l *living, asked bool, lived time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.living[subject] == l {
		delete(p.living, subject)
	}
	e := p.ends[subject]
	if lived > goodTime {
		e.count = 0
	}
	if asked {
		delete(p.ends, subject)
		return
	}
	p.ends[subject] = ends{e.count + 1, time.Now()}
}

// close ends every process and waits for that. Calls that go on fail.
func (p *people) close() {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.living {
		l.end()
	}
	p.mu.Unlock()
	p.all.Wait()
}

// open starts the command and greets the server in it. An error says what to change, and
// that nothing of it runs.
func open(ctx context.Context, args, env []string, log *slog.Logger) (*process, *peer, error) {
	p, err := start(args, env, log)
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be started: %w", args[0], err)
	}
	greeting, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	s, err := talk(greeting, p)
	if err == nil {
		return p, s, nil
	}
	p.stop()
	switch {
	case ctx.Err() != nil:
		err = errClosed
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%s does not answer within %s: does it speak MCP over standard input and output?",
			args[0], greetTime)
	case errors.Is(err, errEnded):
		err = fmt.Errorf("%s is no MCP server: %w", args[0], cmp.Or(s.failure(), p.failure()))
	default:
		err = fmt.Errorf("%s is no MCP server: %w", args[0], err)
	}
	return nil, nil, err
}
