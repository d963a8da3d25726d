package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	grace    = 120 * time.Second
	grantTTL = 90 * 24 * time.Hour
	codeTTL  = 60 * time.Second
	unused   = 168 * time.Hour
)

var errDown = fixture.ErrDown

// A house is a store over the memory driver, with a clock and faults to be set.
type house struct {
	*store.Store
	*fixture.Base
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{Base: fixture.New()}
	h.Store = h.over(t, h.Memory, grace)
	return h
}

// over returns a store with the house's keys and clock over another driver.
func (h *house) over(t testing.TB, d driver.Driver, grace time.Duration) *store.Store {
	t.Helper()
	return h.OpenOver(t, d, store.Lifetimes{
		GrantTTL: grantTTL, RefreshGrace: grace, ClientUnusedTTL: unused, AccessTokenTTL: time.Hour,
	})
}

// loseOneAnswer loses the answer to the next commit, and counts the commits from now on.
func (h *house) loseOneAnswer() *int {
	commits := 0
	h.Faults.After(func(op string) error {
		if op == memory.OpCommit || op == memory.OpCreate {
			if commits++; commits == 1 {
				return errDown
			}
		}
		return nil
	})
	return &commits
}

func (h *house) register(t testing.TB, id string) store.Client {
	t.Helper()
	c, err := h.RegisterClient(t.Context(), fixture.PublicClient(id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) newLogin(clientID string) store.Login {
	l := h.Login(clientID)
	l.Record.Person.Login, l.Record.Person.Email = "octocat-login", "octocat@example.com"
	l.UpstreamToken = []byte("upstream-token-of-octocat")
	return l
}

func (h *house) issue(t testing.TB, clientID string) credential.Secret {
	t.Helper()
	l := h.newLogin(clientID)
	if err := h.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
		t.Fatal(err)
	}
	return l.Code
}

func (h *house) redeem(t testing.TB, code credential.Secret, c store.Client) store.Redemption {
	t.Helper()
	red, replayed, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
	if err != nil || replayed {
		t.Fatalf("redeem: got replayed %v, %v", replayed, err)
	}
	return red
}

// login is a whole login of a client that is there.
func (h *house) login(t testing.TB, c store.Client) store.Redemption {
	t.Helper()
	return h.redeem(t, h.issue(t, c.ID), c)
}

func (h *house) rotate(t testing.TB, token credential.Secret, clientID string) store.Rotation {
	t.Helper()
	rot, err := h.Rotate(t.Context(), token, clientID, allowGrant)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return rot
}

func (h *house) wantLive(t testing.TB, grantID string) {
	t.Helper()
	if _, err := h.LiveGrant(t.Context(), grantID); err != nil {
		t.Errorf("grant: got %v, want it to live", err)
	}
}

func (h *house) wantEnded(t testing.TB, grantID string) {
	t.Helper()
	if _, err := h.LiveGrant(t.Context(), grantID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("grant: got %v, want it ended", err)
	}
}

func allowGrant(*store.Grant) error { return nil }

func wantInvalidGrant(t testing.TB, what string, err error) {
	t.Helper()
	if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidGrant {
		t.Errorf("%s: got %v, want invalid_grant", what, err)
	}
}

// isVerdict reports whether err says something about a credential.
func isVerdict(err error) bool {
	_, refusal := errors.AsType[*oauth.Error](err)
	return refusal || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrCompleted) || errors.Is(err, store.ErrTampered)
}

// put writes a document as somebody with access to the database would.
func (h *house) put(t testing.TB, k driver.Key, d driver.Document) {
	t.Helper()
	err := h.Memory.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return tx.Set(k, d) })
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) document(t testing.TB, k driver.Key) driver.Document {
	t.Helper()
	d, err := h.Memory.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func codeKey(code credential.Secret) driver.Key {
	return driver.Key{Collection: "codes", ID: code.Hash()}
}
func grantKey(id string) driver.Key {
	return driver.Key{Collection: "grants", ID: store.GrantDocument(id)}
}
func clientKey(id string) driver.Key {
	return driver.Key{Collection: "clients", ID: store.ClientDocument(id)}
}

// parallel runs f n times at once and returns the number of true answers.
func parallel(n int, f func(i int) bool) int {
	var wins atomic.Int64
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			if f(i) {
				wins.Add(1)
			}
		})
	}
	close(begin)
	wg.Wait()
	return int(wins.Load())
}

func sortedKeys(m map[driver.Key]driver.Document, collection string) []driver.Key {
	var keys []driver.Key
	for k := range m {
		if k.Collection == collection {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b driver.Key) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return keys
}
