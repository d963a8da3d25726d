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
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	grace    = 120 * time.Second
	grantTTL = 90 * 24 * time.Hour
	codeTTL  = 60 * time.Second
	unused   = 168 * time.Hour
)

var errDown = errors.New("the keeper is down")

// A house is a store over the memory driver, with a clock and faults to be set. The
// driver runs every transaction function twice (SC-15).
type house struct {
	*store.Store
	db     *memory.Driver
	box    *seal.Box
	clock  *clock
	faults *faults
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{clock: &clock{}, faults: &faults{}}
	h.clock.ns.Store(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).UnixNano())
	h.db = memory.New(&memory.Options{RunTwice: true, Fault: h.faults.before, FaultAfter: h.faults.after})
	h.box = boxOf(h.clock, fernet.GenerateKey())
	h.Store = h.over(t, h.db, grace)
	return h
}

func boxOf(c *clock, ring ...fernet.Key) *seal.Box {
	return seal.NewBox(keyfile.Static(fernet.Keyring(ring)), c.now)
}

// over returns a store with the house's keys and clock over another driver.
func (h *house) over(t testing.TB, d driver.Driver, grace time.Duration) *store.Store {
	t.Helper()
	s, err := store.New(d, h.box, store.Lifetimes{GrantTTL: grantTTL, RefreshGrace: grace, ClientUnusedTTL: unused, AccessTokenTTL: time.Hour}, h.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// faults make one operation of the driver fail, or it and all that follow.
type faults struct {
	mu             sync.Mutex
	armed, forever bool
	late           bool // after its effect
	skip           int  // operations that still succeed
	hit            bool
	onCommit       func() error // after a commit or a creation, when set
}

func (f *faults) arm(skip int, late, forever bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.skip, f.late, f.forever, f.hit = true, skip, late, forever, false
}

// disarm ends the fault and reports whether there was one.
func (f *faults) disarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.hit
}

func (f *faults) before(string, driver.Key) error { return f.call(false) }

func (f *faults) after(op string, _ driver.Key) error {
	if f.onCommit != nil && (op == memory.OpCommit || op == memory.OpCreate) {
		return f.onCommit()
	}
	return f.call(true)
}

func (f *faults) call(late bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.armed:
		return nil
	case f.hit:
		if f.forever {
			return errDown
		}
		return nil
	case late != f.late:
		return nil
	case f.skip > 0:
		f.skip--
		return nil
	}
	f.hit = true
	return errDown
}

// A public client for refresh tokens, as most are.
func publicClient(id string) store.Client {
	return store.Client{ID: id, Metadata: oauth.ClientMetadata{
		ClientName: "Example", RedirectURIs: []string{"http://127.0.0.1/cb"}, TokenEndpointAuthMethod: oauth.AuthMethodNone,
		GrantTypes: oauth.SupportedGrantTypes(), ResponseTypes: []string{"code"}, Scope: "mcp",
	}}
}

func (h *house) register(t testing.TB, id string) store.Client {
	t.Helper()
	c, err := h.RegisterClient(t.Context(), publicClient(id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) newLogin(clientID string) store.Login {
	now := h.clock.now().UTC()
	return store.Login{
		Code: credential.New("code_"),
		Record: store.Code{
			ClientID: clientID, RedirectURI: "http://127.0.0.1:5/cb", Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
			Scopes: oauth.Scopes{"mcp"}, Resource: "https://auth.example.com/mcp", Issued: now, Expiry: now.Add(codeTTL),
			Person: store.Person{Subject: "github:583231", Login: "octocat-login", Email: "octocat@example.com", AllowedBy: "anyone", Checked: now},
		},
		UpstreamToken: []byte("upstream-token-of-octocat"),
		Until:         now.Add(10 * time.Minute),
	}
}

func (h *house) issue(t testing.TB, clientID string) credential.Secret {
	t.Helper()
	l := h.newLogin(clientID)
	if err := h.IssueCode(t.Context(), l, allowClient); err != nil {
		t.Fatal(err)
	}
	return l.Code
}

func (h *house) redeem(t testing.TB, code credential.Secret, c store.Client) store.Redemption {
	t.Helper()
	red, replayed, err := h.RedeemCode(t.Context(), code, c, allowCode)
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

func allowClient(store.Client) error { return nil }
func allowCode(store.Code) error     { return nil }
func allowGrant(*store.Grant) error  { return nil }

func wantInvalidGrant(t testing.TB, what string, err error) {
	t.Helper()
	if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidGrant {
		t.Errorf("%s: got %v, want invalid_grant", what, err)
	}
}

// isVerdict reports whether err says something about a credential.
func isVerdict(err error) bool {
	_, refusal := errors.AsType[*oauth.Error](err)
	return refusal || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrCompleted) || errors.Is(err, store.ErrTampered)
}

// documents returns all that the driver keeps.
func (h *house) documents(t testing.TB) map[driver.Key]driver.Document {
	t.Helper()
	all := map[driver.Key]driver.Document{}
	for _, collection := range store.Collections() {
		records, err := h.db.List(context.WithoutCancel(t.Context()), driver.Query{Collection: collection, Limit: driver.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			all[r.Key] = r.Document
		}
	}
	return all
}

// put writes a document as somebody with access to the database would.
func (h *house) put(t testing.TB, k driver.Key, d driver.Document) {
	t.Helper()
	err := h.db.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return tx.Set(k, d) })
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) document(t testing.TB, k driver.Key) driver.Document {
	t.Helper()
	d, err := h.db.Get(t.Context(), k)
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
