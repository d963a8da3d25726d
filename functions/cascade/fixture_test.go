package cascade

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const (
	codeTTL   = time.Minute
	accessTTL = time.Hour
	grantTTL  = 30 * 24 * time.Hour
)

// A world is a cascade over the memory driver, a provider, and what the other functions
// do to the store.
type world struct {
	*Cascade
	*fixture.Base
	db       driver.Driver
	provider *provider
	read     int64    // the last change that was taken from the feed
	tokens   int      // upstream tokens given out
	stored   []string // those of them that were kept, for a while
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Base: fixture.New()}
	w.over(t, w.Memory)
	return w
}

// over makes the cascade of w over a driver.
func (w *world) over(t testing.TB, d driver.Driver) {
	t.Helper()
	w.db = d
	w.provider = &provider{faults: w.Faults, revoked: map[string]int{}}
	s := w.OpenOver(t, d, store.Lifetimes{GrantTTL: grantTTL, AccessTokenTTL: accessTTL})
	var err error
	w.Cascade, err = New(Config{Store: s, Provider: w.provider, Log: w.Lines.Logger(), Now: w.Clock.Now})
	fixture.Must(t, err)
}

// kept returns all that is kept.
func (w *world) kept(t testing.TB) map[driver.Key]driver.Document {
	t.Helper()
	return fixture.KeptIn(t, w.db)
}

// provider is a GitHub that only ends tokens.
type provider struct {
	faults  *fixture.Faults
	revoked map[string]int
	answer  error // what it answers to everything, if it is set
}

func (*provider) Name() string                { return "github" }
func (*provider) Title() string               { return "GitHub" }
func (*provider) Answers(upstream.Rule) error { return nil }
func (*provider) AuthCodeURL(_ context.Context, _, _, _ string, _ upstream.Hints) (string, error) {
	return "", nil
}
func (p *provider) Exchange(context.Context, string, url.Values, string) (upstream.Identity, upstream.Token, error) {
	return upstream.Identity{}, upstream.Token{}, fixture.ErrDown
}

func (*provider) Separate() bool { return true }

func (p *provider) Revoke(_ context.Context, t upstream.Token) error {
	if err := p.faults.Reach("revoke", false); err != nil {
		return err
	}
	if p.answer != nil {
		return p.answer
	}
	p.revoked[t.AccessToken.Reveal()]++
	return p.faults.Reach("revoke", true)
}

func (w *world) register(t testing.TB, id string) store.Client {
	t.Helper()
	c, err := w.Store.RegisterClient(t.Context(), fixture.PublicClient(id))
	fixture.Must(t, err)
	return c
}

// signIn issues a code, with a new upstream token for the person.
func (w *world) signIn(ctx context.Context, subject, client string) (credential.Secret, error) {
	w.tokens++
	token, err := upstream.Token{AccessToken: credential.Wrap(tokenName(w.tokens))}.Marshal()
	if err != nil {
		return credential.Secret{}, err
	}
	l := w.Login(client)
	l.UpstreamToken = token
	l.Record.Person.Subject, l.Record.Person.Login = subject, "login-canary"
	err = w.Store.IssueCode(ctx, l, fixture.AnyClient)
	if err == nil {
		w.stored = append(w.stored, tokenName(w.tokens))
	}
	return l.Code, err
}

func tokenName(n int) string { return "gho_canary" + strings.Repeat("i", n) }

func (w *world) redeem(ctx context.Context, code credential.Secret, c store.Client) (store.Redemption, error) {
	red, _, err := w.Store.RedeemCode(ctx, code, "", c, fixture.AnyCode)
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

// events takes what happened since the last call from the feed.
func (w *world) events(t testing.TB) []driver.Change {
	t.Helper()
	changes, err := w.Memory.Changes(t.Context(), w.read, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) > 0 {
		w.read = changes[len(changes)-1].Sequence
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
