package authorize

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/upstream"
	openidissuer "github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// serveOpenID serves with a fake OpenID Connect provider and the people that allow lets in.
func serveOpenID(tb testing.TB, allow string) (*server, *oauthtest.OpenID) {
	tb.Helper()
	var fake *oauthtest.OpenID
	s := serve(tb, func(f *endpoint) {
		fake = oauthtest.StartOpenID(tb, &oauthtest.OpenIDOptions{Now: f.Clock.Now})
		var err error
		f.Allow, err = upstream.ParseAllow(allow)
		must(tb, err)
		generic, _ := openidissuer.PresetByName("")
		f.EvidenceMaxAge = 72 * time.Hour
		f.Provider, err = oidc.New(openidissuer.Config{
			Preset: generic, Issuer: fake.URL, ClientID: fake.ClientID, Title: "Acme's directory", Allow: f.Allow,
			Now:    f.Clock.Now,
			Secret: func(context.Context) (credential.Secret, error) { return credential.Wrap(fake.ClientSecret), nil },
		})
		must(tb, err)
	})
	return s, fake
}

// One whole sign-in at an OpenID Connect provider: the page says who is asked and what for, the person is
// issuer and sub, and the session is known for the day when it ends there.
func TestOpenIDSignIn(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "group:ops")
	fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	b := s.browser(loopbackURI)
	page := get(t, b, s.request(), 200)
	for _, text := range []string{
		"sign in with Acme&#39;s directory", "which groups you are in",
		"Where Acme&#39;s directory cannot be asked again, what it says now holds for 3 days",
	} {
		if !strings.Contains(page.Body, text) {
			t.Errorf("the page lacks %q\n%s", text, page.Body)
		}
	}
	got := b.SignIn(t, s.request(), "ann")
	g := s.redeem(t, parameters(t, got).Get("code"))
	if g.Person.Subject != oidc.Subject(fake.URL, "sub|ann") || g.Person.Login != "ann" || g.Person.Session == "" ||
		g.Person.AllowedBy != "group:ops" {
		t.Errorf("got %+v", g.Person)
	}
	account, err := s.Store.Account(t.Context(), g.Person.Subject)
	must(t, err)
	token, err := upstream.UnmarshalToken(account.UpstreamToken)
	if err != nil || token.RefreshToken.IsZero() || token.IDToken != "" {
		t.Errorf("got %+v, %v; want a token that can be renewed, and no ID token", token, err)
	}
}

// An account that may not enter leads to another one at the same provider.
func TestAnotherAccountAtTheOpenIDProvider(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "group:ops")
	fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	b := s.browser(loopbackURI)
	page := get(t, b, s.request("login_hint", "eve@example.com", "domain_hint", "example.com"), 200)
	page = press(t, b, page, "decision=approve")
	if q := page.URL.Query(); q.Get("login_hint") != "eve@example.com" || q.Get("domain_hint") != "example.com" {
		t.Errorf("got %v, want the client's hints", q)
	}
	page, err := b.Continue(t.Context(), page, "eve")
	must(t, err)
	check(t, page, 403)
	another := page.Link("Use another account")
	u, err := url.Parse(another)
	must(t, err)
	if q := u.Query(); !strings.Contains(q.Get("prompt"), "select_account") || q.Get("domain_hint") != "example.com" {
		t.Errorf("got %s, want the choice of accounts", another)
	}
	page, err = b.Get(t.Context(), another)
	must(t, err)
	page, err = b.Continue(t.Context(), page, "ann")
	must(t, err)
	if page.Redirect == nil || !page.Redirect.Query().Has("code") {
		t.Errorf("got %v and %s, want the other account let in", page.Redirect, page.Body)
	}
}

// A provider that is down when nothing is known of it yet is a fault, and the same page goes on when it is back
// (UP-17).
func TestOpenIDProviderDown(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "anyone")
	fake.Outage("", oauthtest.ServerError())
	b := s.browser(loopbackURI)
	page := get(t, b, s.request(), 200)
	down := press(t, b, page, "decision=approve")
	check(t, down, 503)
	if down.Header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	fake.Repair()
	s.Clock.Advance(10 * time.Second)
	if got := b.SignIn(t, s.request(), "ann"); !got.Query().Has("code") {
		t.Errorf("got %s", got)
	}
}
