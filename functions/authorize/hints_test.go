package authorize

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

// What a client wishes reaches GitHub behind the person's approval: the choice of accounts and the
// login that it begins with (I8).
func TestHintsReachTheProvider(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	b := s.browser(loopbackURI)
	s.signIn(t, b, s.request(), "octocat") // GitHub asks octocat nothing from now on
	p := get(t, b, s.request("prompt", "login select_account unheard_of", "login_hint", "hubot"), 200)
	p = check(t, press(t, b, p, "decision=approve"), 200)
	q, form := p.URL.Query(), p.FormWith("login")
	if form == nil || q.Get("prompt") != "select_account" || q.Get("login") != "hubot" {
		t.Fatalf("at GitHub: got query %v, form %v; want the sign-in page for hubot", q, form)
	}
	for _, f := range form.Fields {
		if f.Name == "login" && f.Value != "hubot" {
			t.Errorf("the field begins with %q, want hubot", f.Value)
		}
	}
	if q := parameters(t, walk(t, b, p, "hubot").Redirect); s.redeem(t, q.Get("code")).Person.Login != "hubot" {
		t.Error("the grant is not hubot's")
	}
}

// The development sign-in has one field, which begins with the hint (I8).
func TestDevelopmentFormBeginsWithTheHint(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	b := s.browser(loopbackURI)
	p := press(t, b, get(t, b, s.request("login_hint", `octo"cat`), 200), "decision=approve")
	if want := `value="octo&#34;cat"`; !strings.Contains(p.Body, want) {
		t.Errorf("got %s, want the field with %s", p.Body, want)
	}
}

// What is not a wish is dropped, and so is one that takes the room of a long state, which went
// through without it; nobody is turned away for a wish (I8, AC-14).
func TestNoWishIsWorthARefusal(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, changes := range map[string][]string{
		"too long":        {"login_hint", strings.Repeat("x", maxHint+1)},
		"control":         {"login_hint", "octo\ncat"},
		"unknown prompts": {"prompt", "create unheard_of"},
		"no room": {"login_hint", strings.Repeat("x", maxHint), "domain_hint", strings.Repeat("y", maxHint),
			"state", strings.Repeat("s", maxState), "resource", s.origin + "/mcp?" + strings.Repeat("r", 300)},
	} {
		b := s.browser(loopbackURI)
		p := press(t, b, get(t, b, s.request(changes...), 200), "decision=approve")
		check(t, p, 200)
		if q := p.URL.Query(); q.Has("login_hint") || p.URL.Path != oauth.CallbackPath {
			t.Errorf("%s: got %s with %v, want the sign-in without a hint", name, p.URL.Path, q)
		}
	}
}
