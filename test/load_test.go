package test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postern-dev/postern/test/internal/rig"
)

const (
	people          = 6  // at work at the same time
	loginsOfEach    = 8  // clients that each connects
	refreshesOfEach = 5  // of each client
	exchangesToKill = 60 // requests between two kills
)

// A mix is a bounded load of whole logins with kills between them, and what it found.
type mix struct {
	s    *rig.Server
	mu   sync.Mutex
	apps []*rig.App // all that were registered, as their clients were told
	kept []*rig.App // those that are signed in

	kills, races, won atomic.Int32
}

// No registration that was acknowledged is lost, no code gives tokens twice, and no client that is
// signed in has to sign in again, while processes die (A1, I6).
func TestKillsUnderLoadLoseNothing(t *testing.T) {
	rig.Slow(t)
	for _, k := range keepers[1:] {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			m := &mix{s: rig.Start(t, rig.Options{Replicas: k.replicas, Settings: k.store(t)})}
			m.run(t)
			m.check(t)
			t.Logf("%d registrations, %d clients signed in, %d codes raced for, %d kills",
				len(m.apps), len(m.kept), m.races.Load(), m.kills.Load())
		})
	}
}

func (m *mix) run(t *testing.T) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	killer := make(chan error, 1)
	go func() { killer <- m.kill(ctx) }()
	var work errgroup.Group
	for i := range people {
		work.Go(func() error { return m.person(t.Context(), fmt.Sprintf("person-%d", i)) })
	}
	err := work.Wait()
	done()
	if err := errors.Join(err, <-killer); err != nil {
		t.Fatal(err)
	}
	m.s.Restart()
	if m.kills.Load() < 3 {
		t.Errorf("got %d kills, want at least 3", m.kills.Load())
	}
}

// kill ends one process after the other, each after some requests, and starts it again.
func (m *mix) kill(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for last := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := m.s.Witness.Count(func(rig.Exchange) bool { return true })
		if now-last < exchangesToKill {
			continue
		}
		last = now
		victim := int(m.kills.Add(1)) % 3
		m.s.KillReplica(victim)
		if err := m.s.TryStartReplica(victim); err != nil {
			return err
		}
	}
}

// person connects one client after the other and works with each.
func (m *mix) person(ctx context.Context, login string) error {
	for i := range loginsOfEach {
		a, err := m.register(ctx)
		if err != nil {
			return err
		}
		if i%2 == 1 {
			if err := m.race(ctx, a, login); err != nil {
				return err
			}
			continue
		}
		if err := retry(ctx, func() error { return a.SignIn(ctx, m.s.Browser(a.Redirect), login) }); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		for range refreshesOfEach {
			if err := m.use(ctx, a, login); err != nil {
				return err
			}
		}
		m.mu.Lock()
		m.kept = append(m.kept, a)
		m.mu.Unlock()
	}
	return nil
}

func (m *mix) register(ctx context.Context) (*rig.App, error) {
	a := rig.NewApp(m.s)
	if err := retry(ctx, func() error { return a.Register(ctx, nil) }); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apps = append(m.apps, a)
	return a, nil
}

// use refreshes and calls a tool. A request that a kill cut off is sent again as it was:
// that is what clients do, and the grace of a rotated token is for.
func (m *mix) use(ctx context.Context, a *rig.App, login string) error {
	var refusal *rig.Refusal
	err := retry(ctx, func() error {
		err := a.Refresh(ctx)
		if errors.As(err, &refusal) && refusal.Code == "invalid_grant" {
			return final{fmt.Errorf("a client that was signed in has to sign in again: %w", err)}
		}
		return err
	})
	if err != nil {
		return err
	}
	return retry(ctx, func() error {
		got, err := a.Whoami(ctx, rig.Modern)
		if err == nil && got != login {
			return final{fmt.Errorf("whoami: got %q, want %q", got, login)}
		}
		return err
	})
}

// race redeems one code several times at once.
func (m *mix) race(ctx context.Context, a *rig.App, login string) error {
	var code, verifier string
	err := retry(ctx, func() (err error) {
		code, verifier, err = a.Authorize(ctx, m.s.Browser(a.Redirect), login)
		return err
	})
	if err != nil {
		return fmt.Errorf("authorize: %w", err)
	}
	var winners atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			same := *a
			if same.Redeem(ctx, code, verifier) == nil {
				winners.Add(1)
			}
		})
	}
	all.Wait()
	m.races.Add(1)
	m.won.Add(winners.Load())
	if got := winners.Load(); got > 1 {
		return fmt.Errorf("one code gave tokens %d times", got)
	}
	return nil
}

// check looks, when all is quiet, whether everything that was promised is still there.
func (m *mix) check(t *testing.T) {
	t.Helper()
	if m.won.Load() == 0 {
		t.Error("no code was redeemed by any of those that raced for it")
	}
	for i, a := range m.apps {
		address, _, _ := a.AuthorizeURL()
		p, err := m.s.Browser(a.Redirect).Get(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if p.Status != http.StatusOK || p.FormWith("decision=approve") == nil {
			t.Errorf("registration %d is lost: status %d", i, p.Status)
		}
	}
	for i, a := range m.kept {
		if err := a.Refresh(t.Context()); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
}

// A final error is not tried again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// retry repeats what a kill may have cut off.
func retry(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, rig.Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil || errors.As(err, new(final)) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
