package emulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/terraform/gateway"
)

const (
	startTime   = time.Minute // a process may take to answer
	startTries  = 3           // ports that others may have taken
	firstPause  = 100 * time.Millisecond
	lastPause   = 10 * time.Second // between tries to start a process again
	steadyAfter = 10 * time.Second // a process that ran so long was sound
)

// A fleet is the replicas of one function. One that dies is started again.
type fleet struct {
	name    string
	program string
	env     []string // without PORT
	out     *lineWriter
	log     *slog.Logger

	mu      sync.Mutex
	live    []*instance   // that answer
	next    int           // whose turn it is
	changed chan struct{} // closed when live changes

	keepers sync.WaitGroup
}

// An instance is one process of a function.
type instance struct {
	address string // host:port
	process *process
}

func newFleet(name, program string, env []string, out *lineWriter, log *slog.Logger) *fleet {
	return &fleet{name: name, program: program, env: env, out: out, log: log, changed: make(chan struct{})}
}

// start starts n replicas and returns when all answer, or with why one does not. They
// are kept alive until running ends; stop waits for that.
func (f *fleet) start(ctx, running context.Context, n int) error {
	failed := make(chan error, n)
	for number := range n {
		f.keepers.Go(func() {
			in, err := f.launch(running)
			if err == nil {
				f.add(in)
			}
			failed <- err
			if err == nil {
				f.keep(running, number, in)
			}
		})
	}
	var errs []error
	for range n {
		select {
		case err := <-failed:
			errs = append(errs, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// wait waits for the processes to end, after running did.
func (f *fleet) wait() { f.keepers.Wait() }

// keep starts a replica again whenever it ended, until running ends.
func (f *fleet) keep(running context.Context, number int, in *instance) {
	pause := firstPause
	for {
		since := time.Now()
		select {
		case <-in.process.done:
			f.remove(in)
		case <-running.Done():
			f.remove(in)
			in.process.stop()
			return
		}
		if time.Since(since) > steadyAfter {
			pause = firstPause
		}
		attrs := []any{"function", f.name, "replica", number, "error", in.process.err}
		f.log.Warn("process ended, it is started again", attrs...)
		if in = f.relaunch(running, &pause); in == nil {
			return
		}
		f.add(in)
	}
}

// relaunch tries until a process answers; nil means that running ended.
func (f *fleet) relaunch(running context.Context, pause *time.Duration) *instance {
	for {
		in, err := f.launch(running)
		if err == nil {
			return in
		}
		if running.Err() != nil {
			return nil
		}
		f.log.Error("process cannot be started", "function", f.name, "error", err)
		select {
		case <-time.After(*pause):
		case <-running.Done():
			return nil
		}
		*pause = min(*pause*2, lastPause)
	}
}

// launch starts a process on a free port and waits until it answers.
func (f *fleet) launch(running context.Context) (*instance, error) {
	for try := 1; ; try++ {
		in, err := f.launchOnce(running)
		if err == nil {
			return in, nil
		}
		// Between looking for a port and listening somebody else may have it.
		if try == startTries || !strings.Contains(err.Error(), "address already in use") {
			return nil, fmt.Errorf("function %s: %w", f.name, err)
		}
	}
}

func (f *fleet) launchOnce(running context.Context) (*instance, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(f.program)
	cmd.Env = append(slices.Clone(f.env), "PORT="+port)
	p, err := start(cmd, f.out)
	if err != nil {
		return nil, err
	}
	if err := answers(running, p, address); err != nil {
		p.stop()
		return nil, err
	}
	return &instance{address: address, process: p}, nil
}

// answers waits until a process accepts connections.
func answers(ctx context.Context, p *process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// pick returns the replica whose turn it is, other than not. While there is none it
// waits, as a request waits for a cold start.
func (f *fleet) pick(ctx context.Context, not *instance) (*instance, error) {
	for {
		in, changed := f.try(not)
		if in != nil {
			return in, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fleet) try(not *instance) (*instance, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range f.live {
		in := f.live[f.next%len(f.live)]
		f.next++
		if in != not {
			return in, nil
		}
	}
	return nil, f.changed
}

func (f *fleet) add(in *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live = append(f.live, in)
	f.change()
}

func (f *fleet) remove(in *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live = slices.DeleteFunc(f.live, func(o *instance) bool { return o == in })
	f.change()
}

// change wakes who waits for a replica. mu is held.
func (f *fleet) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// startFleets starts the replicas of every function. extra is the environment that the
// store needs.
func (d *deployment) startFleets(ctx, running context.Context, programs, extra map[string]string) error {
	out := &lineWriter{w: d.Output}
	timeouts := timeoutsOf(d.paths)
	for _, f := range manifest.Functions {
		env := environment(d.settings, f, timeouts[f.Name], d.behind(), extra)
		d.fleets[f.Name] = newFleet(f.Name, programs[f.Name], env, out, d.log)
	}
	results := make(chan error, len(d.fleets))
	for _, f := range d.fleets {
		go func() { results <- f.start(ctx, running, d.Replicas) }()
	}
	var errs []error
	for range d.fleets {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// timeoutsOf returns how long the platform lets each HTTP function work at a request.
func timeoutsOf(paths *gateway.Map) map[string]time.Duration {
	timeouts := map[string]time.Duration{}
	for _, route := range paths.Routes() {
		timeouts[route.Function] = route.Deadline - timeoutMargin
	}
	return timeouts
}

// stopFleets ends all processes and waits for them.
func (d *deployment) stopFleets(end func()) {
	end()
	for _, f := range d.fleets {
		f.wait()
	}
}
