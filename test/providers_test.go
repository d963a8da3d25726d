package test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern-dev/postern/test/internal/idp"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// providers are the real ones. What one cannot do stands there with the reason; the provider
// itself has to say so too.
var providers = []struct {
	name   string
	start  func(testing.TB) idp.Provider
	cannot map[string]string // scenario to reason
}{
	{"zitadel", idp.StartZitadel, map[string]string{
		"signing out there ends the grant": "the library has no back-channel logout",
		"answers name the issuer":          "the library does not send iss (RFC 9207)",
	}},
	{"node-oidc-provider", idp.StartNode, nil},
	{"Keycloak", idp.StartKeycloak, nil},
}

// A backed server has a provider behind it. Who is in the group ops may enter.
type backed struct {
	idp.Provider
	*rig.Server
	name string // of the provider
}

// scenarios are what each provider shows, one after the other: some stop it.
var scenarios = []struct {
	name     string
	settings map[string]string
	offered  func(idp.Description) bool // nil: by all
	run      func(*testing.T, *backed)
}{
	{"a Go client signs in and refreshes", map[string]string{"ACCESS_TOKEN_TTL": "2s"}, nil, goThrough},
	{"a TypeScript client signs in and refreshes", map[string]string{"ACCESS_TOKEN_TTL": "2s"}, nil, tsThrough},
	{"leaving the group ends the grant", nil, nil, leaveTheGroup},
	{"leaving every group ends the grant", nil, nil, leaveEveryGroup},
	{"a closed account ends the grant", nil, nil, closeTheAccount},
	{"new keys of the provider are taken", nil, nil, rotateTheKeys},
	{"an outage ends nothing", map[string]string{"MEMBERSHIP_TTL": "1h"}, nil, outage},
	{"an outage ends nothing that has to be asked", nil, nil, outageWhenAsked},
	// Where nobody is asked again: Keycloak tells of no session that it gave for offline access.
	{"signing out there ends the grant", map[string]string{"ALLOW": "anyone"},
		func(d idp.Description) bool { return d.LogsOut }, signOutThere},
	{"another account can be taken", nil, nil, takeAnotherAccount},
	{"wishes reach the provider", nil, nil, wish},
	{"answers name the issuer", nil, func(d idp.Description) bool { return d.SaysIssuer }, nameTheIssuer},
}

// Real providers behave as the code behind believes (UP-10, UP-17, UP-18, UP-20, UP-24, UP-25).
func TestRealProviders(t *testing.T) {
	rig.Slow(t)
	for _, provider := range providers {
		t.Run(provider.name, func(t *testing.T) {
			t.Parallel()
			p := provider.start(t)
			said := idp.Describe(t, p)
			for _, row := range scenarios {
				why, cannot := provider.cannot[row.name]
				if offers := row.offered == nil || row.offered(said); offers == cannot {
					t.Errorf("%s: the provider says that it can: %t; the table says otherwise", row.name, offers)
				}
				if cannot {
					t.Logf("%s: %s", row.name, why)
					continue
				}
				t.Run(row.name, func(t *testing.T) { row.run(t, startBacked(t, p, provider.name, row.settings)) })
			}
		})
	}
}

var clientsOfProviders atomic.Int64

// startBacked starts a server that asks at every refresh, unless settings say otherwise.
func startBacked(t *testing.T, p idp.Provider, name string, settings map[string]string) *backed {
	t.Helper()
	client := fmt.Sprintf("postern-%d", clientsOfProviders.Add(1))
	all := map[string]string{"ALLOW": "group:ops", "MEMBERSHIP_TTL": "0s", "OIDC_TITLE": "Acme"}
	maps.Copy(all, p.Settings(t, client))
	maps.Copy(all, settings)
	s := rig.Start(t, rig.Options{Settings: all})
	p.Register(t, client, s)
	return &backed{p, s, name}
}

// member makes somebody who may enter, and lets them in.
func (b *backed) member(t *testing.T, login string) (*rig.App, *oauthtest.Browser) {
	t.Helper()
	b.SetUser(t, login, "ops", "staff")
	a, browser := newApp(t, b.Server), b.Browser(rig.RedirectURI)
	if err := a.SignIn(t.Context(), browser, login); err != nil {
		t.Fatal(err)
	}
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatalf("refresh of a member: %v", err)
	}
	return a, browser
}

// wantEnded wants the grant of an App to be over, and nothing less than a refusal for it.
func wantEnded(t *testing.T, a *rig.App) {
	t.Helper()
	var refusal *rig.Refusal
	if err := a.Refresh(t.Context()); !errors.As(err, &refusal) || refusal.Code != "invalid_grant" {
		t.Errorf("refresh: got %v, want invalid_grant", err)
	}
}

// refusedWith is the status of a refused call, 0 of everything else.
func refusedWith(err error) int {
	if refusal, ok := errors.AsType[*rig.Refusal](err); ok {
		return refusal.Status
	}
	return 0
}

func goThrough(t *testing.T, b *backed) {
	b.SetUser(t, "gopher", "ops")
	c := connectGo(t, b.Server, "gopher")
	first := b.Witness.Refreshes()
	eventually(t, "two refreshes", func() error {
		who, err := c.whoami(t.Context())
		if err != nil {
			t.Fatalf("whoami: %v", err)
		}
		if who.Login != "gopher" || !strings.HasPrefix(who.Subject, "oidc:"+b.Provider.URL()+"#") {
			t.Fatalf("got %+v, want gopher of %s", who, b.Provider.URL())
		}
		if got := b.Witness.Refreshes() - first; got < 2 {
			return fmt.Errorf("got %d refreshes, want 2", got)
		}
		return nil
	})
	oneLogin(t, b.Server, c)
}

func tsThrough(t *testing.T, b *backed) {
	b.SetUser(t, "tess", "ops")
	c := startTS(t, b.Server, "client 2, no handshake")
	c.connect("tess")
	eventually(t, "two refreshes", func() error {
		login, err := c.whoami()
		if err != nil || login != "tess" {
			t.Fatalf("whoami: got %q, %v; want tess", login, err)
		}
		if got := b.Witness.Refreshes(); got < 2 {
			return fmt.Errorf("got %d refreshes, want 2", got)
		}
		return nil
	})
	c.once()
}

// Who has left the group is out at the next refresh, and does not get in again.
func leaveTheGroup(t *testing.T, b *backed) {
	a, browser := b.member(t, "lea")
	b.SetUser(t, "lea", "staff")
	wantEnded(t, a)
	address, _, _ := newApp(t, b.Server).AuthorizeURL()
	p := walkToPage(t, browser, address, "lea")
	if p.Redirect != nil || p.Link("Use another account") == "" {
		t.Errorf("sign in again: got %v, status %d; want the page that turns away", p.Redirect, p.Status)
	}
}

// A claim that lists nothing is a whole answer.
func leaveEveryGroup(t *testing.T, b *backed) {
	a, _ := b.member(t, "nemo")
	b.SetUser(t, "nemo")
	wantEnded(t, a)
}

func closeTheAccount(t *testing.T, b *backed) {
	a, _ := b.member(t, "clea")
	b.Disable(t, "clea")
	wantEnded(t, a)
	address, _, _ := newApp(t, b.Server).AuthorizeURL()
	if back, err := b.Browser(rig.RedirectURI).Walk(t.Context(), address, "clea"); err == nil {
		t.Errorf("got to %s with a closed account, want the provider to keep it out", back)
	}
}

// The keys may change between a sign-in and a refresh, and between two sign-ins.
func rotateTheKeys(t *testing.T, b *backed) {
	a, browser := b.member(t, "kay")
	b.RotateKeys(t)
	eventually(t, "refresh after new keys", func() error { // the keys were read a moment ago
		err := a.Refresh(t.Context())
		if err != nil && refusedWith(err) != http.StatusServiceUnavailable {
			t.Fatalf("refresh: got %v, want 503 until the keys are looked at again", err)
		}
		return err
	})
	if err := newApp(t, b.Server).SignIn(t.Context(), browser, "kay"); err != nil {
		t.Errorf("sign in after new keys: %v", err)
	}
}

// What was known holds while the provider is down. Whoever comes is told to try again, and can
// once it is back.
func outage(t *testing.T, b *backed) {
	a, browser := b.member(t, "owen")
	other := newApp(t, b.Server)
	address, _, _ := other.AuthorizeURL()
	browser.Stop = b.Server.URL + "/auth/callback"
	back, err := browser.Walk(t.Context(), address, "owen")
	if err != nil {
		t.Fatal(err)
	}
	browser.Stop = rig.RedirectURI
	b.Provider.Stop()
	if err := a.Refresh(t.Context()); err != nil {
		t.Errorf("refresh: %v", err)
	}
	p, err := browser.Get(t.Context(), back.String())
	if err != nil {
		t.Fatal(err)
	}
	wantLater(t, "the return from a provider that is down", p)
	b.Kill()
	b.Restart()
	if err := a.Refresh(t.Context()); err != nil {
		t.Errorf("refresh at a server that never saw the provider: %v", err)
	}
	wantLater(t, "a sign-in at a server that never saw the provider", walkToPage(t, browser, address, "owen"))
	b.Start(t)
	eventually(t, "sign in again", func() error { return other.SignIn(t.Context(), browser, "owen") })
	if err := a.Refresh(t.Context()); err != nil {
		t.Errorf("refresh afterwards: %v", err)
	}
}

// A refresh that has to ask waits for the provider, and loses nothing by it.
func outageWhenAsked(t *testing.T, b *backed) {
	a, _ := b.member(t, "ask")
	b.Provider.Stop()
	kept := a.RefreshToken
	for range 2 {
		if err := a.Refresh(t.Context()); refusedWith(err) != http.StatusServiceUnavailable {
			t.Errorf("refresh: got %v, want 503", err)
		}
	}
	b.Start(t)
	eventually(t, "refresh afterwards", func() error { return a.Refresh(t.Context()) })
	if a.RefreshToken == kept {
		t.Error("got the refresh token from before, want the next one")
	}
}

func signOutThere(t *testing.T, b *backed) {
	a, browser := b.member(t, "sam")
	stays, _ := b.member(t, "pat")
	b.Logout(t, browser, "sam")
	eventually(t, "the end of the grant", func() error {
		err := a.Refresh(t.Context())
		if err == nil {
			return errors.New("it goes on")
		}
		return nil
	})
	wantEnded(t, a)
	if err := stays.Refresh(t.Context()); err != nil {
		t.Errorf("somebody else's refresh: %v", err)
	}
}

// Somebody who came with the wrong account goes on with another, though the provider knows the
// first one by now.
func takeAnotherAccount(t *testing.T, b *backed) {
	b.SetUser(t, "wrong", "staff")
	b.SetUser(t, "right", "ops")
	a, browser := newApp(t, b.Server), b.Browser(rig.RedirectURI)
	address, verifier, _ := a.AuthorizeURL()
	p := walkToPage(t, browser, address, "wrong")
	another := p.Link("Use another account")
	if another == "" {
		t.Fatalf("got status %d, want the page that turns away", p.Status)
	}
	back, err := browser.Walk(t.Context(), another, "right")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Redeem(t.Context(), back.Query().Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	if login, err := a.Whoami(t.Context(), rig.Modern); err != nil || login != "right" {
		t.Errorf("got %q, %v; want right", login, err)
	}
}

// wish sees what the browser brings to the provider, which then has to take it.
func wish(t *testing.T, b *backed) {
	b.SetUser(t, "wes", "ops")
	a, browser := newApp(t, b.Server), b.Browser(idp.Describe(t, b.Provider).AuthURL)
	address, verifier, _ := a.AuthorizeURL()
	p := walkToPage(t, browser, address+"&prompt=login&login_hint=wes%40example.com", "wes")
	if p.Redirect == nil {
		t.Fatalf("got status %d, want to be sent to the provider", p.Status)
	}
	q := p.Redirect.Query()
	if got := q.Get("login_hint"); got != "wes@example.com" {
		t.Errorf("login_hint: got %q, want wes@example.com", got)
	}
	if got := strings.Fields(q.Get("prompt")); !slices.Contains(got, "login") {
		t.Errorf("prompt: got %q, want login in it", got)
	}
	browser.Stop = rig.RedirectURI
	back, err := browser.Walk(t.Context(), p.Redirect.String(), "wes")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Redeem(t.Context(), back.Query().Get("code"), verifier); err != nil {
		t.Error(err)
	}
}

// The provider names itself in each answer, so one that does not, or names another, is not its own.
func nameTheIssuer(t *testing.T, b *backed) {
	b.SetUser(t, "iris", "ops")
	a, browser := newApp(t, b.Server), b.Browser(b.Server.URL+"/auth/callback")
	address, verifier, _ := a.AuthorizeURL()
	back, err := browser.Walk(t.Context(), address, "iris")
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if got := q.Get("iss"); got != b.Provider.URL() {
		t.Fatalf("iss: got %q, want %q", got, b.Provider.URL())
	}
	browser.Stop = rig.RedirectURI
	for what, iss := range map[string][]string{"none": nil, "another": {"https://evil.example"}} {
		wrong := maps.Clone(q)
		delete(wrong, "iss")
		if iss != nil {
			wrong["iss"] = iss
		}
		p, err := browser.Get(t.Context(), b.Server.URL+"/auth/callback?"+wrong.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if p.Redirect != nil && p.Redirect.Query().Get("code") != "" {
			t.Errorf("iss %s: got a code, want none", what)
		}
	}
	last, err := browser.Get(t.Context(), back.String())
	if err != nil || last.Redirect == nil {
		t.Fatalf("got %+v, %v; want to be sent to the client", last, err)
	}
	if err := a.Redeem(t.Context(), last.Redirect.Query().Get("code"), verifier); err != nil {
		t.Error(err)
	}
}

// walkToPage goes on like somebody willing until there is no more to press, or the browser stops.
func walkToPage(t *testing.T, b *oauthtest.Browser, address, login string) *oauthtest.Page {
	t.Helper()
	p, err := b.Get(t.Context(), address)
	for err == nil && p.Redirect == nil && p.Link("Use another account") == "" && p.Status == http.StatusOK {
		p, err = b.Continue(t.Context(), p, login)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantLater wants a page that says when to try again.
func wantLater(t *testing.T, what string, p *oauthtest.Page) {
	t.Helper()
	if p.Redirect != nil || p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
		t.Errorf("%s: got %v, status %d, Retry-After %q; want 503 that says when to try again",
			what, p.Redirect, p.Status, p.Header.Get("Retry-After"))
	}
}
