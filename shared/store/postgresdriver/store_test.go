package postgresdriver

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/postgres"
)

var lifetimes = store.Lifetimes{GrantTTL: 90 * 24 * time.Hour, RefreshGrace: 2 * time.Minute}

// Of 64 redemptions at once over three replicas one wins (AC-04, I6).
func TestOneOf64RedemptionsWins(t *testing.T) {
	const replicas, callers = 3, 64
	base, url := fixture.New(), migrated(t, postgres.Shared(t))
	var stores [replicas]*store.Store
	for i := range stores {
		d := open(t, url)
		t.Cleanup(func() { _ = d.Close() })
		stores[i] = base.OpenOver(t, d, lifetimes)
	}
	c, err := stores[0].RegisterClient(t.Context(), fixture.PublicClient("c_1"))
	fixture.Must(t, err)
	login := base.Login(c.ID)
	fixture.Must(t, stores[0].IssueCode(t.Context(), login, fixture.AnyClient))
	var won atomic.Int64
	var group sync.WaitGroup
	gate := make(chan struct{})
	for i := range callers {
		group.Go(func() {
			<-gate
			_, _, err := stores[i%replicas].RedeemCode(t.Context(), login.Code, "", c, fixture.AnyCode)
			var refusal *oauth.Error
			switch {
			case err == nil:
				won.Add(1)
			case !errors.As(err, &refusal) || refusal.Code != oauth.InvalidGrant:
				t.Errorf("a loser: got %v, want invalid_grant", err)
			}
		})
	}
	close(gate)
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("got %d winners, want 1", won.Load())
	}
}

// The answer to each commit of a login is lost: everybody gets what was committed (SC-16).
func TestLoginWhoseAnswersAreLost(t *testing.T) {
	base := fixture.New()
	d, p, _ := through(t)
	s := base.OpenOver(t, d, lifetimes)
	lose := func() { p.Lose(postgres.Answer, "postern.write", 1) }
	lose()
	c, err := s.RegisterClient(t.Context(), fixture.PublicClient("c_1"))
	fixture.Must(t, err)
	login := base.Login(c.ID)
	lose()
	fixture.Must(t, s.IssueCode(t.Context(), login, fixture.AnyClient))
	lose()
	red, _, err := s.RedeemCode(t.Context(), login.Code, "", c, fixture.AnyCode)
	fixture.Must(t, err)
	lose()
	rotation, err := s.Rotate(t.Context(), red.Refresh, c.ID, func(*store.Grant) error { return nil })
	fixture.Must(t, err)
	if rotation.Refresh == red.Refresh || p.Left() != 0 {
		t.Errorf("got the same refresh token, or %d answers not lost", p.Left())
	}
	if _, err := s.LiveGrant(t.Context(), red.Grant.ID); err != nil {
		t.Errorf("the grant: got %v, want it alive", err)
	}
}

// What is past goes by itself, and leaves as a change.
func TestHousekeepingRemovesWhatIsPast(t *testing.T) {
	d := openEmpty(t).(*Driver)
	defer d.Close()
	for id, at := range map[string]time.Time{"past": time.Now().Add(-time.Hour), "future": later(), "never": {}} {
		d.nextPurge.Store(later().UnixMicro()) // not now
		fixture.Must(t, d.Create(t.Context(), key(id), driver.Document{Body: id, DeleteAfter: at}))
	}
	d.nextPurge.Store(0)
	fixture.Must(t, d.Create(t.Context(), key("last"), driver.Document{}))
	for id, want := range map[string]error{"past": driver.ErrNotFound, "future": nil, "never": nil, "last": nil} {
		if _, err := d.Get(t.Context(), key(id)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", id, err, want)
		}
	}
	changes, err := d.Take(t.Context(), 9, time.Hour)
	if err != nil || len(changes) != 5 || changes[4].After != nil || changes[4].Before.Body != "past" {
		t.Errorf("Take: got %d changes, %v, want the deletion last", len(changes), err)
	}
}

func later() time.Time { return time.Now().Add(time.Hour) }

// A refresh over each kind of store, the server on this machine.
func BenchmarkRotate(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) driver.Driver{
		"memory": func(*testing.B) driver.Driver { return memory.New(nil) },
		"embedded": func(b *testing.B) driver.Driver {
			d, err := embedded.Open(b.Context(), b.TempDir())
			fixture.Must(b, err)
			return d
		},
		"PostgreSQL": func(b *testing.B) driver.Driver {
			s := postgres.Start(b, "fsync=on")
			url := s.Database(b)
			_, err := Migrate(b.Context(), name(url), nil, Options{})
			fixture.Must(b, err)
			d, err := Open(b.Context(), name(url), nil)
			fixture.Must(b, err)
			return d
		},
	} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			defer d.Close()
			base := fixture.New()
			s := base.OpenOver(b, d, lifetimes)
			c, err := s.RegisterClient(b.Context(), fixture.PublicClient("c_1"))
			fixture.Must(b, err)
			login := base.Login(c.ID)
			fixture.Must(b, s.IssueCode(b.Context(), login, fixture.AnyClient))
			red, _, err := s.RedeemCode(b.Context(), login.Code, "", c, fixture.AnyCode)
			fixture.Must(b, err)
			token := red.Refresh
			for b.Loop() {
				rotation, err := s.Rotate(b.Context(), token, c.ID, func(*store.Grant) error { return nil })
				fixture.Must(b, err)
				token = rotation.Refresh
				base.Clock.Advance(time.Hour)
			}
		})
	}
}
