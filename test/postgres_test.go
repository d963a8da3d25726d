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

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// migrated makes the tables in a database, as an operator does, and returns its URL.
func migrated(t *testing.T, url string) string {
	t.Helper()
	p := rig.Launch(t, rig.Command{
		Name: "migrate", Path: rig.Program(t, "cmd/postern"), Dir: t.TempDir(),
		Args: []string{"store", "migrate", "--store", url},
	})
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("postern store migrate: got exit code %d, %v, want 0; it said\n%s", code, err, p.Log.String())
	}
	return url
}

// Every function as processes of its own, three of each, over PostgreSQL behind PgBouncer: one
// after the other is killed, and the client does not notice. What hangs from the client goes
// with it.
func TestEmulatedFunctionsOverPgbouncer(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	server := postgres.Shared(t)
	url := migrated(t, server.Database(t))
	s := rig.StartEmulated(t, 3, map[string]string{
		"ACCESS_TOKEN_TTL": "2s", "REVOCATION_MAX_AGE": "1s", "STORE": postgres.Bounced(t, server)(url),
	})
	c := connectGo(t, s, "octocat")
	for _, name := range []string{"token", "mcp", "token"} {
		if err := s.KillFunction(name); err != nil {
			t.Fatal(err)
		}
		before := s.Witness.Refreshes()
		eventually(t, "a refresh after the kill of "+name, func() error {
			who, err := c.whoami(t.Context())
			if err != nil || who.Login != "octocat" {
				t.Fatalf("whoami after the kill of %s: got %q, %v, want octocat", name, who.Login, err)
			}
			if s.Witness.Refreshes() == before {
				return errors.New("no refresh yet")
			}
			return nil
		})
	}
	oneLogin(t, s, c)

	a := signedIn(t, s, "hubot")
	if err := deleteClient(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the grant of a deleted client ends", func() error {
		out := operate(t, s, url, "grants", "list", "--ended", "--json")
		if !strings.Contains(out, "client deleted") {
			return fmt.Errorf("got %s", out)
		}
		return nil
	})
}

// signedIn is an app whose person has signed in.
func signedIn(t *testing.T, s *rig.Server, login string) *rig.App {
	t.Helper()
	a := rig.NewApp(s)
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SignIn(t.Context(), s.Browser(a.Redirect), login); err != nil {
		t.Fatal(err)
	}
	return a
}

func deleteClient(ctx context.Context, a *rig.App) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, a.Origin+"/register/"+a.ID, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+a.ManageToken)
	resp, err := a.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("delete the client: %s", resp.Status)
	}
	return nil
}

// operate runs a command of an operator over the records at url, with the rings of s.
func operate(t *testing.T, s *rig.Server, url string, args ...string) string {
	t.Helper()
	p := rig.Launch(t, rig.Command{
		Name: "operator", Path: rig.Program(t, "cmd/postern"), Dir: t.TempDir(),
		Args: append(args, "--store", url, "--keys", s.Data()+"/keys"),
	})
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("postern %s: got exit code %d, %v; it said\n%s", strings.Join(args, " "), code, err, p.Log.String())
	}
	return p.Log.String()
}

// A primary ends in the middle of many refreshes and a standby takes over: clients meet 503s,
// and nothing else. Everybody goes on with the tokens that they have.
func TestStandbyTakesOverWhileClientsRefresh(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	primary := postgres.Start(t)
	url := migrated(t, primary.Database(t))
	standby := primary.Standby(t)
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	both := strings.Replace(url, primary.Address(), primary.Address()+","+standby.Address(), 1)
	s := rig.Start(t, rig.Options{Replicas: 3, Settings: map[string]string{
		"STORE": both + "&target_session_attrs=read-write", "ACCESS_TOKEN_TTL": "2s", "REVOCATION_MAX_AGE": "0s",
	}})
	const apps, enough = 4, 40
	var refreshed, unavailable atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	for i := range apps {
		a := signedIn(t, s, fmt.Sprintf("octocat-%d", i))
		group.Go(func() {
			for ctx.Err() == nil {
				err := a.Refresh(ctx)
				refusal, _ := errors.AsType[*rig.Refusal](err)
				switch {
				case err == nil:
					refreshed.Add(1)
				case ctx.Err() != nil:
				case refusal != nil && refusal.Status == http.StatusServiceUnavailable:
					unavailable.Add(1)
				default:
					t.Errorf("refresh: got %v, want success or 503", err)
					return
				}
			}
		})
	}
	reach := func(what string, from int64) {
		eventually(t, what, func() error {
			if got := refreshed.Load() - from; got < enough && !t.Failed() {
				return fmt.Errorf("%d refreshes", got)
			}
			return nil
		})
	}
	reach("refreshes before", 0)
	primary.Crash(t)
	standby.Promote(t)
	reach("refreshes after", refreshed.Load())
	stop()
	group.Wait()
	t.Logf("%d refreshes, %d answers of 503", refreshed.Load(), unavailable.Load())
}
