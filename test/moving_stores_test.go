package test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// A server moves from its embedded store to PostgreSQL while twenty apps refresh without a pause,
// and the command is killed in the middle of the window. Nobody notices anything but answers of
// 503: after the restart everybody goes on with the token that they have, on the grant that they
// had.
func TestServerMovesToAnotherStoreWhileClientsRefresh(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	settings := map[string]string{"ACCESS_TOKEN_TTL": "2s", "REVOCATION_MAX_AGE": "0s"}
	s := rig.Start(t, rig.Options{Replicas: 2, Settings: settings})
	c := connectGo(t, s, "octocat")
	crowd := startRefreshing(t, s, 20)
	to, from := migrated(t, postgres.Database(t)), "embedded:"+s.Data()
	crowd.reach("refreshes before the copy", 40)
	ranWell(t, launchCopy(t, from, to))

	crowd.reach("refreshes after the first pass", 40)
	killed := launchCopy(t, from, to, "--finish", "--yes")
	eventually(t, "the old store is closed", func() error { return inPhase(t, s, driver.Closed) })
	killed.Kill()
	finishing := launchCopy(t, from, to, "--finish", "--yes")
	eventually(t, "refreshes are refused", func() error {
		if crowd.unavailable.Load() == 0 {
			return errors.New("none was yet")
		}
		return nil
	})
	ranWell(t, finishing)
	if err := inPhase(t, s, driver.Moved); err != nil {
		t.Error(err)
	}
	before := crowd.refreshed.Load()
	s.Kill()
	settings["STORE"] = to
	s.Restart()
	crowd.reach("refreshes over the new store", 60)
	crowd.stop()
	t.Logf("%d refreshes before, %d after, %d answers of 503",
		before, crowd.refreshed.Load()-before, crowd.unavailable.Load())

	if who, err := c.whoami(t.Context()); err != nil || who.Login != "octocat" {
		t.Errorf("whoami after the move: got %+v, %v, want octocat", who, err)
	}
	if got := c.logins.Load(); got != 1 {
		t.Errorf("got %d sign-ins of the client, want 1", got)
	}
	if got := strings.Count(operate(t, s, to, "grants", "list", "--json"), `"grant":`); got != 21 {
		t.Errorf("got %d grants that live, want those of 21 sign-ins", got)
	}
	if log := s.LogText(); strings.Contains(log, "refresh.reused") {
		t.Error("a refresh token was taken for a replayed one")
	}
}

// launchCopy starts a copy of the records.
func launchCopy(t *testing.T, from, to string, args ...string) *rig.Process {
	t.Helper()
	return rig.Launch(t, rig.Command{
		Name: "copy", Path: rig.Program(t, "cmd/postern"), Dir: t.TempDir(),
		Args: append([]string{"store", "copy", "--from", from, "--to", to}, args...),
	})
}

func ranWell(t *testing.T, p *rig.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*rig.Patience)
	defer cancel()
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("got exit code %d, %v, want 0; it said\n%s", code, err, p.Log.String())
	}
}

// inPhase returns an error unless the embedded store of s is in a phase.
func inPhase(t *testing.T, s *rig.Server, want driver.Phase) error {
	t.Helper()
	d, err := embedded.Open(t.Context(), s.Data())
	if err != nil {
		return err
	}
	defer d.Close()
	m, err := driver.MoveOf(t.Context(), d)
	if err == nil && m.Phase != want {
		err = fmt.Errorf("the store is %q, want %q", m.Phase, want)
	}
	return err
}

// A crowd is apps that refresh without a pause. Any answer but success and 503 fails the test; a
// server that is not there is neither.
type crowd struct {
	t                      *testing.T
	refreshed, unavailable atomic.Int64
	stop                   func() // and wait for all
}

func startRefreshing(t *testing.T, s *rig.Server, n int) *crowd {
	t.Helper()
	c := &crowd{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range n {
		a := signedIn(t, s, fmt.Sprintf("octocat-%d", i))
		group.Go(func() { c.refresh(ctx, a) })
	}
	c.stop = func() { cancel(); group.Wait() }
	t.Cleanup(c.stop)
	return c
}

func (c *crowd) refresh(ctx context.Context, a *rig.App) {
	for ctx.Err() == nil {
		err := a.Refresh(ctx)
		refusal, answered := errors.AsType[*rig.Refusal](err)
		switch {
		case err == nil:
			c.refreshed.Add(1)
		case ctx.Err() != nil || !answered:
		case refusal.Status == http.StatusServiceUnavailable:
			c.unavailable.Add(1)
		case refusal.Status == http.StatusBadGateway: // of the front: no process runs
		default:
			c.t.Errorf("refresh: got %v, want success or 503", err)
			return
		}
	}
}

// reach waits for n refreshes more.
func (c *crowd) reach(what string, n int64) {
	c.t.Helper()
	from := c.refreshed.Load()
	eventually(c.t, what, func() error {
		if got := c.refreshed.Load() - from; got < n && !c.t.Failed() {
			return fmt.Errorf("%d refreshes", got)
		}
		return nil
	})
}
