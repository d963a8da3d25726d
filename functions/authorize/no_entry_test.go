package authorize

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// Whom ALLOW does not let in reads which account that was, where it may not enter, whom to ask and
// the request; the client hears of it by the person's click (H6).
func TestRefusedPersonReadsWhoWasRefused(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:octocat", func(c *Config) {
		c.Contact = about.Contact{Text: "ops@example.com", Link: "mailto:ops@example.com"}
	})
	b := s.browser(loopbackURI)
	p := check(t, walk(t, b, get(t, b, s.request(), http.StatusOK), "stranger"), http.StatusForbidden)
	got, _ := text(t, p.Body)
	host := strings.TrimPrefix(s.origin, "https://")
	for _, words := range []string{"signed in with GitHub as stranger", "may not use " + host, "ops@example.com",
		"Request ", "opens 127.0.0.1:49152"} {
		if !strings.Contains(got, words) {
			t.Errorf("the page does not say %q:\n%s", words, got)
		}
	}
	if p.Link("ops@example.com") != "mailto:ops@example.com" {
		t.Errorf("got links %v, want the contact's", p.Links)
	}
	p, err := b.Follow(t.Context(), p, "Back to the application")
	must(t, err)
	wantDenied(t, s, parameters(t, p.Redirect), "this account may not enter: ask the operator of the server")
}

// With another account, which GitHub lets the person choose, the same request comes to its end (H6).
func TestRefusedPersonGoesOnWithAnotherAccount(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:octocat")
	b := s.browser(loopbackURI)
	p := get(t, b, s.request("login_hint", "stranger"), http.StatusOK)
	p = check(t, walk(t, b, p, "stranger"), http.StatusForbidden)
	p, err := b.Follow(t.Context(), p, "Use another account")
	must(t, err)
	asked := check(t, p, http.StatusOK).URL.Query()
	if p.FormWith("login") == nil || asked.Get("prompt") != "select_account" || asked.Has("login") {
		t.Fatalf("at GitHub: got %v, want the choice of accounts and no hint", asked)
	}
	q := parameters(t, walk(t, b, p, "octocat").Redirect)
	if g := s.redeem(t, q.Get("code")); g.Person.Login != "octocat" || q.Get("state") != "st&te=1" {
		t.Errorf("got a grant of %s and state %q", g.Person.Login, q.Get("state"))
	}
}

// The operator finds the login, for one commit, once a person, however often it is tried; an outage
// of the store hides the note and changes nothing for the person (H6).
func TestRefusedSignInIsNoted(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:octocat")
	s.Memory.RunOnce()
	refuse := func() {
		t.Helper()
		b := s.browser(loopbackURI)
		p := get(t, b, s.request(), http.StatusOK)
		s.Cost.Take()
		check(t, walk(t, b, p, "stranger"), http.StatusForbidden)
	}
	notes := func() (logins []string) {
		for r, err := range s.Store.Refusals(t.Context()) {
			must(t, err)
			logins = append(logins, r.Login)
		}
		return logins
	}
	for range 2 {
		refuse()
		s.wantCost(t, "a refused callback", 0, 1)
		if got := notes(); len(got) != 1 || got[0] != "stranger" {
			t.Errorf("got notes %v, want one of stranger", got)
		}
	}
	for k := range s.Kept(t) {
		if k.Collection != store.ClientsCollection && k.Collection != store.RefusalsCollection {
			t.Errorf("a refused sign-in left a document in %s", k.Collection)
		}
	}
	s.Faults.Before(func(op string) error {
		if op == memory.OpCommit {
			return fixture.ErrDown
		}
		return nil
	})
	refuse()
	if log := s.Lines.String(); !strings.Contains(log, "was not noted") || strings.Contains(log, "stranger") {
		t.Errorf("got %s, want a warning without the login", log)
	}
}

// A rule of GitHub's own is read by the person as well, with its reason (H6).
func TestGitHubsReasonIsRead(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	unverified := oauthtest.Fault{Status: 200, Body: `{"error":"unverified_user_email"}`}
	s.github.Outage("/login/oauth/access_token", unverified)
	b := s.browser(loopbackURI)
	p := check(t, walk(t, b, get(t, b, s.request(), http.StatusOK), "octocat"), http.StatusForbidden)
	got, _ := text(t, p.Body)
	for _, words := range []string{
		"The account that you signed in with at GitHub may not", "verify its e-mail address first", "Put that right",
	} {
		if !strings.Contains(got, words) {
			t.Errorf("the page does not say %q:\n%s", words, got)
		}
	}
}
