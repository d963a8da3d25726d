package cascade

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	codeTTL   = time.Minute
	accessTTL = time.Hour
	grantTTL  = 30 * 24 * time.Hour
)

var errDown = errors.New("it is down")

// A world is a cascade over the memory driver, a provider, and what the other functions
// do to the store.
type world struct {
	*Cascade
	db       *memory.Driver
	provider *provider
	steps    *steps
	log      *bytes.Buffer
	time     time.Time
	read     int64 // the last change that was taken from the feed
	tokens   int   // upstream tokens given out

	// deployed leaves out the events that terraform sets no trigger for.
	deployed bool
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{steps: &steps{}, log: &bytes.Buffer{}, time: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	w.provider = &provider{steps: w.steps, revoked: map[string]int{}}
	w.db = memory.New(&memory.Options{RunTwice: true,
		Fault:      func(string, driver.Key) error { return w.steps.before() },
		FaultAfter: func(string, driver.Key) error { return w.steps.after() },
	})
	now := func() time.Time { return w.time }
	box := seal.NewBox(keyfile.Static(fernet.Keyring{fernet.GenerateKey()}), now)
	s, err := store.New(w.db, box, store.Lifetimes{GrantTTL: grantTTL, AccessTokenTTL: accessTTL}, now)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	if w.Cascade, err = New(Config{Store: s, Provider: w.provider, Log: log, Now: now}); err != nil {
		t.Fatal(err)
	}
	return w
}

// steps are the calls of the store's keeper and of the provider, one of which fails or
// has something else happen before it.
type steps struct {
	mu     sync.Mutex
	armed  bool
	late   bool   // after its effect
	skip   int    // steps that go well
	happen func() // what happens instead of a fault
}

func (s *steps) arm(skip int, late bool, happen func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.skip, s.late, s.happen = true, skip, late, happen
}

// disarm reports whether the step was not reached.
func (s *steps) disarm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	armed := s.armed
	s.armed = false
	return armed
}

func (s *steps) before() error { return s.step(false) }
func (s *steps) after() error  { return s.step(true) }

func (s *steps) step(late bool) error {
	s.mu.Lock()
	if !s.armed || late != s.late {
		s.mu.Unlock()
		return nil
	}
	if s.skip > 0 {
		s.skip--
		s.mu.Unlock()
		return nil
	}
	s.armed = false
	happen := s.happen
	s.mu.Unlock()
	if happen == nil {
		return errDown
	}
	happen()
	return nil
}

// provider is a GitHub that only ends tokens.
type provider struct {
	steps   *steps
	revoked map[string]int
	answer  error // what it answers to everything, if it is set
}

func (*provider) Name() string                      { return "github" }
func (*provider) AuthCodeURL(_, _, _ string) string { return "" }
func (p *provider) Exchange(context.Context, string, url.Values, string) (upstream.Identity, upstream.Token, error) {
	return upstream.Identity{}, upstream.Token{}, errDown
}

func (p *provider) Revoke(_ context.Context, t upstream.Token) error {
	if err := p.steps.before(); err != nil {
		return err
	}
	if p.answer != nil {
		return p.answer
	}
	p.revoked[t.AccessToken.Reveal()]++
	return p.steps.after()
}

func (w *world) register(t testing.TB, id string) store.Client {
	t.Helper()
	c, err := w.Store.RegisterClient(t.Context(), store.Client{ID: id, Metadata: oauth.ClientMetadata{
		RedirectURIs: []string{"http://127.0.0.1/cb"}, TokenEndpointAuthMethod: oauth.AuthMethodNone,
		GrantTypes: oauth.SupportedGrantTypes(), ResponseTypes: []string{"code"}, Scope: "mcp",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signIn issues a code, with a new upstream token for the person.
func (w *world) signIn(ctx context.Context, subject, client string) (credential.Secret, error) {
	w.tokens++
	token, err := upstream.Token{AccessToken: credential.Wrap(tokenName(w.tokens))}.Marshal()
	if err != nil {
		return credential.Secret{}, err
	}
	l := store.Login{Code: credential.New("code_"), UpstreamToken: token, Until: w.time.Add(10 * time.Minute), Record: store.Code{
		ClientID: client, RedirectURI: "http://127.0.0.1:5/cb", Scopes: oauth.Scopes{"mcp"}, Resource: "https://auth.example.com/mcp",
		Person: store.Person{Subject: subject, Login: "login-canary"}, Issued: w.time, Expiry: w.time.Add(codeTTL),
	}}
	return l.Code, w.Store.IssueCode(ctx, l, func(store.Client) error { return nil })
}

func tokenName(n int) string { return "gho_canary" + strings.Repeat("i", n) }

func (w *world) redeem(ctx context.Context, code credential.Secret, c store.Client) (store.Redemption, error) {
	red, _, err := w.Store.RedeemCode(ctx, code, c, func(store.Code) error { return nil })
	return red, err
}

// login is a whole login, for tests in which nothing fails.
func (w *world) login(t testing.TB, subject string, c store.Client) store.Grant {
	t.Helper()
	code, err := w.signIn(t.Context(), subject, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	red, err := w.redeem(t.Context(), code, c)
	if err != nil {
		t.Fatal(err)
	}
	return red.Grant
}

// changeOf returns a feed's change in the words of [Cascade.Handle].
func changeOf(c driver.Change) Change {
	change := Change{Collection: c.Key.Collection, Document: c.Key.ID, Time: c.Time, Deleted: c.After == nil}
	if c.Before != nil {
		change.OldIndex = c.Before.Index
	}
	return change
}

// events takes what happened since the last call from the feed.
func (w *world) events(t testing.TB) []driver.Change {
	t.Helper()
	changes, err := w.db.Changes(t.Context(), w.read, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) > 0 {
		w.read = changes[len(changes)-1].Sequence
	}
	if w.deployed {
		changes = slices.DeleteFunc(changes, func(c driver.Change) bool { return c.Key.Collection != "clients" && c.Key.Collection != "grants" })
	}
	return changes
}

// drain delivers everything, and what follows from it, in order and once; what fails
// comes again at the end. It returns what still fails.
func (w *world) drain(t testing.TB, queue ...driver.Change) (failed []driver.Change) {
	t.Helper()
	for {
		queue = append(queue, w.events(t)...)
		if len(queue) == 0 {
			return failed
		}
		for _, e := range queue {
			if err := w.Handle(t.Context(), changeOf(e)); err != nil {
				failed = append(failed, e)
			}
		}
		queue = nil
	}
}

// token returns the name of the upstream token that is kept of a person, or "".
func (w *world) token(t testing.TB, subject string) string {
	t.Helper()
	a, err := w.Store.Account(t.Context(), subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(a.UpstreamToken) == 0 {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	token, err := upstream.UnmarshalToken(a.UpstreamToken)
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken.Reveal()
}

func (w *world) wantToken(t testing.TB, subject, want string) {
	t.Helper()
	if got := w.token(t, subject); got != want {
		t.Errorf("token of %s: got %q, want %q", subject, got, want)
	}
	if w.provider.revoked[want] > 0 {
		t.Errorf("the provider was told to end %q, which is kept", want)
	}
}

func (w *world) wantRevoked(t testing.TB, want ...string) {
	t.Helper()
	var got []string
	for token := range w.provider.revoked {
		got = append(got, token)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("revoked at the provider: got %q, want %q", got, want)
	}
}

// documents returns all that is kept.
func (w *world) documents(t testing.TB) map[driver.Key]driver.Document {
	t.Helper()
	all := map[driver.Key]driver.Document{}
	for _, collection := range store.Collections() {
		records, err := w.db.List(t.Context(), driver.Query{Collection: collection, Limit: driver.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			all[r.Key] = r.Document
		}
	}
	return all
}
