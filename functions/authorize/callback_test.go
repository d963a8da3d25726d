package authorize

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// An approval is what a browser has after it pressed Approve: the state and its cookie.
type approval struct{ state, cookie string }

func (f *endpoint) approveRaw(tb testing.TB) approval {
	tb.Helper()
	w := f.post(tb, f.show(tb), "approve")
	to, err := url.Parse(w.Header().Get("Location"))
	must(tb, err)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		tb.Fatalf("got %d cookies, want the sign-in cookie", len(cookies))
	}
	return approval{to.Query().Get("state"), cookies[0].Name + "=" + cookies[0].Value}
}

func callbackURL(state string) string {
	return oauth.CallbackPath + "?login=octocat&state=" + url.QueryEscape(state)
}

const loopback = "https://127.0.0.1:8443" // the development sign-in works on loopback alone

// State and cookie have to be whole and belong together (UP-01, UP-02, CON-07, CON-09).
func TestCallbackNeedsStateAndCookie(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	mine, other := f.approveRaw(t), f.approveRaw(t)
	name, value, _ := strings.Cut(mine.cookie, "=")
	_, otherValue, _ := strings.Cut(other.cookie, "=")
	if !strings.HasPrefix(name, "__Host-") {
		t.Errorf("got cookie %s, want the prefix", name)
	}
	sealed := func(state string) int { return strings.LastIndex(state, ".") }
	mixed := mine.state[:sealed(mine.state)] + other.state[sealed(other.state):]
	for what, c := range map[string]struct {
		state, cookie string
		status        int
	}{
		"no state":              {"", mine.cookie, http.StatusForbidden},
		"no cookie":             {mine.state, "", http.StatusForbidden},
		"other cookie":          {mine.state, other.cookie, http.StatusForbidden},
		"other value":           {mine.state, name + "=" + otherValue, http.StatusForbidden},
		"other state":           {mixed, mine.cookie, http.StatusForbidden},
		"id alone":              {strings.Split(mine.state, ".")[0], mine.cookie, http.StatusForbidden},
		"state with more":       {mine.state + "x", mine.cookie, http.StatusForbidden},
		"cookie twice":          {mine.state, mine.cookie + "; " + name + "=" + otherValue, http.StatusForbidden},
		"cookie twice, swapped": {mine.state, name + "=" + otherValue + "; " + mine.cookie, http.StatusForbidden},
		"no prefix":             {mine.state, strings.TrimPrefix(name, "__Host-") + "=" + value, http.StatusForbidden},
		"changed cookie":        {mine.state, name + "=" + value[:40] + "AAAA" + value[44:], http.StatusBadRequest},
	} {
		for _, more := range []string{"", "&error=access_denied", "&code=x"} { // UP-03
			wantPage(t, what+more, f.send(t, http.MethodGet, callbackURL(c.state)+more, "", "Cookie", c.cookie),
				c.status)
		}
	}
	w := f.send(t, http.MethodGet, callbackURL(mine.state), "", "Cookie", mine.cookie)
	if w.Code != http.StatusSeeOther {
		t.Errorf("together: got %d, want 303", w.Code)
	}
}

// The address the provider gets is the configured one, whatever a header says (UP-12, K10).
func TestNoHeaderChangesTheCallback(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	w := f.post(t, f.show(t), "approve", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example",
		"X-Forwarded-Proto", "http")
	if got := w.Header().Get("Location"); !strings.HasPrefix(got, loopback+oauth.CallbackPath+"?") {
		t.Errorf("got %s, want our own callback", got)
	}
}

// A callback whose answer was lost is sent again, side by side or after it: while the code waits, the
// same browser gets the same redirect, one code is issued, and none after it was used (UP-04, H8).
func TestRepeatedCallbackGetsTheSameRedirect(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	a := f.approveRaw(t)
	call := func() *httptest.ResponseRecorder {
		return f.send(t, http.MethodGet, callbackURL(a.state), "", "Cookie", a.cookie)
	}
	answers := make(chan string, 16)
	var wg sync.WaitGroup
	for range cap(answers) {
		wg.Go(func() { answers <- call().Header().Get("Location") })
	}
	wg.Wait()
	close(answers)
	first := <-answers
	to, err := url.Parse(first)
	must(t, err)
	if to.Query().Get("code") == "" {
		t.Fatalf("got %q, want a redirect with a code", first)
	}
	for again := range answers {
		if again != first {
			t.Errorf("a repeat got %q, want %q", again, first)
		}
	}
	if n := strings.Count(f.Lines.String(), `"event":"sign_in.completed"`); n != 1 {
		t.Errorf("the sign-in completed %d times, want once", n)
	}
	wantPage(t, "another browser", f.send(t, http.MethodGet, callbackURL(a.state), ""), http.StatusForbidden)
	s := &server{endpoint: f}
	if g := s.redeem(t, to.Query().Get("code")); !g.Revoked.IsZero() {
		t.Error("the repeats ended the grant")
	}
	wantCompleted(t, "after redemption", call())
}

func wantCompleted(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	wantPage(t, what, w, http.StatusBadRequest)
	if !strings.Contains(w.Body.String(), "already completed") {
		t.Errorf("%s: got %s, want a page that says completed", what, w.Body)
	}
}

// A code that is over is not handed out again, and neither is one person's code to another who signs
// in with the same browser (UP-04).
func TestCodeIsRepeatedWhileItIsAliveAndThePersons(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	a := f.approveRaw(t)
	call := func(login string) *httptest.ResponseRecorder {
		to := strings.Replace(callbackURL(a.state), "octocat", login, 1)
		return f.send(t, http.MethodGet, to, "", "Cookie", a.cookie)
	}
	if w := call("octocat"); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s, want 303", w.Code, w.Body)
	}
	wantCompleted(t, "another person", call("hubot"))
	f.Clock.Advance(f.CodeTTL - time.Microsecond)
	if w := call("octocat"); w.Code != http.StatusSeeOther {
		t.Errorf("just in time: got %d, want 303", w.Code)
	}
	f.Clock.Advance(time.Microsecond)
	wantCompleted(t, "at its end", call("octocat"))
}

// At GitHub a reload finds the code used up there. The very same callback gets its redirect again, one
// with another code of GitHub's, which nobody can ask about any more, does not (UP-04, H8).
func TestReloadAfterGitHubGetsTheSameRedirect(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	b := s.browser(s.origin + oauth.CallbackPath)
	p := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	callback := walk(t, b, p, "octocat").Redirect
	cookies := strings.Join(b.Cookies(callback), "; ")
	w := s.send(t, http.MethodGet, callback.String(), "", "Cookie", cookies)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s, want 303", w.Code, w.Body)
	}
	first, err := url.Parse(w.Header().Get("Location"))
	must(t, err)
	w = s.send(t, http.MethodGet, callback.String(), "", "Cookie", cookies)
	if w.Header().Get("Location") != first.String() {
		t.Errorf("reload: got %d %q, want %q", w.Code, w.Header().Get("Location"), first)
	}
	other := *callback
	q := other.Query()
	q.Set("code", "used-up-as-well")
	other.RawQuery = q.Encode()
	wantCompleted(t, "another callback", s.send(t, http.MethodGet, other.String(), "", "Cookie", cookies))
	b.Stop = loopbackURI
	wantPage(t, "without the cookie", s.send(t, http.MethodGet, callback.String(), ""), http.StatusForbidden)
	s.redeem(t, first.Query().Get("code"))
	wantCompleted(t, "after redemption", s.send(t, http.MethodGet, callback.String(), "", "Cookie", cookies))
}

// Another round at GitHub within one sign-in leads to the same redirect, and the token that GitHub gave
// for it goes, since the first one's is kept (UP-04, UP-11).
func TestSecondRoundAtGitHubLeavesNoToken(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	b := s.browser(s.origin + oauth.CallbackPath)
	p := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	var answers []string
	for range 2 {
		callback, err := b.Walk(t.Context(), p.URL.String(), "octocat")
		must(t, err)
		w := s.send(t, http.MethodGet, callback.String(), "", "Cookie", strings.Join(b.Cookies(callback), "; "))
		answers = append(answers, w.Header().Get("Location"))
	}
	if answers[0] == "" || answers[1] != answers[0] {
		t.Errorf("got %q, want the same redirect twice", answers)
	}
	if got := s.github.LiveTokens("octocat"); got != 1 {
		t.Errorf("got %d tokens at GitHub, want one", got)
	}
}

// The browser keeps what it is recognised by as long as the code lives, and that of the page
// no longer (UP-04).
func TestBrowserIsRecognisedUntilTheCodeEnds(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	a := f.approveRaw(t)
	name, value, _ := strings.Cut(a.cookie, "=")
	w := f.send(t, http.MethodGet, callbackURL(a.state), "", "Cookie", a.cookie)
	got := map[string]*http.Cookie{}
	for _, c := range w.Result().Cookies() {
		got[c.Name] = c
	}
	kept := got[name]
	if kept == nil || kept.Value != value || kept.MaxAge != int(f.CodeTTL/time.Second) {
		t.Errorf("the sign-in cookie: got %v, want it for %v", kept, f.CodeTTL)
	}
	consent := got[strings.Replace(name, signInCookie, consentCookie, 1)]
	if consent == nil || consent.MaxAge >= 0 {
		t.Errorf("the consent cookie: got %v, want it cleared", consent)
	}
}

// Whatever GitHub does that is not a verdict ends on a 503 page, and the same browser gets through
// once GitHub is back (UP-05, UP-16, UP-17, K6).
func TestGitHubFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	const tokens, user, orgs = "/login/oauth/access_token", "/user", "/user/memberships/orgs/acme"
	form := "application/x-www-form-urlencoded"
	for what, c := range map[string]struct {
		path  string
		fault oauthtest.Fault
	}{
		"token 500": {tokens, oauthtest.ServerError()},
		"token secret wrong": {tokens, oauthtest.Fault{Status: 200,
			Body: `{"error":"incorrect_client_credentials"}`}},
		"token callback mismatch": {tokens, oauthtest.Fault{Status: 200,
			Body: `{"error":"redirect_uri_mismatch"}`}},
		"token unknown error": {tokens, oauthtest.Fault{Status: 200,
			Body: `{"error":"<b>new</b>","error_description":"<i>x</i>"}`}},
		"token empty":        {tokens, oauthtest.Fault{Status: 200}},
		"token empty object": {tokens, oauthtest.Fault{Status: 200, Body: `{}`}},
		"token without access_token": {tokens, oauthtest.Fault{Status: 200,
			Body: `{"token_type":"bearer","scope":"read:org"}`}},
		"token of another type": {tokens, oauthtest.Fault{Status: 200,
			Body: `{"access_token":"gho_x","token_type":"mac","scope":"read:org"}`}},
		"token as HTML": {tokens, oauthtest.Fault{Status: 200, ContentType: "text/html",
			Body: "<h1>unicorn</h1>"}},
		"token as an empty form":      {tokens, oauthtest.Fault{Status: 200, ContentType: form}},
		"token redirect":              {tokens, oauthtest.Fault{Redirect: "http://127.0.0.1:1/steal"}},
		"token huge":                  {tokens, oauthtest.Fault{Huge: true}},
		"user 500":                    {user, oauthtest.ServerError()},
		"user 401":                    {user, oauthtest.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}},
		"user 403":                    {user, oauthtest.Fault{Status: 403, Body: `{"message":"rate limit"}`}},
		"user without id":             {user, oauthtest.Fault{Status: 200, Body: `{"login":"octocat"}`}},
		"user with a fractional id":   {user, oauthtest.Fault{Status: 200, Body: `{"id":1.5,"login":"octocat"}`}},
		"user with id 0":              {user, oauthtest.Fault{Status: 200, Body: `{"id":0,"login":"octocat"}`}},
		"user with a text id":         {user, oauthtest.Fault{Status: 200, Body: `{"id":"583231","login":"octocat"}`}},
		"user as HTML":                {user, oauthtest.Fault{Status: 200, ContentType: "text/html", Body: "<html>"}},
		"user redirect":               {user, oauthtest.Fault{Redirect: "http://127.0.0.1:1/steal"}},
		"user huge":                   {user, oauthtest.Fault{Huge: true}},
		"user slow":                   {user, oauthtest.Fault{Drip: true}},
		"membership 500":              {orgs, oauthtest.ServerError()},
		"membership 403":              {orgs, oauthtest.Fault{Status: 403, Body: `{}`}},
		"membership 401 out of order": {orgs, oauthtest.Fault{Status: 502, Body: "bad gateway"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := serveGitHub(t, "org:acme")
			s.github.AddToOrg("acme", "octocat", "active")
			s.github.Outage(c.path, c.fault)
			b := s.browser(loopbackURI)
			p := walk(t, b, get(t, b, s.request(), http.StatusOK), "octocat")
			if check(t, p, http.StatusServiceUnavailable); !strings.Contains(p.Body, "You have not been refused") ||
				p.Header.Get("Retry-After") != "5" {
				t.Fatalf("got %s, want the 503 page", p.Body)
			}
			if strings.Contains(p.Body, "unicorn") || strings.Contains(p.Body, "<b>") {
				t.Errorf("the page repeats what GitHub said: %s", p.Body)
			}
			s.github.Repair()
			s.finishAgain(t, b, p.Body)
		})
	}
}

// finishAgain follows the link of the page that offers to go on.
func (s *server) finishAgain(t *testing.T, b *oauthtest.Browser, page string) {
	t.Helper()
	_, after, _ := strings.Cut(page, `class="button primary" rel="noreferrer" href="`)
	link, _, ok := strings.Cut(after, `"`)
	if !ok {
		t.Fatalf("the page has no way on: %s", page)
	}
	to, err := b.Walk(t.Context(), strings.ReplaceAll(link, "&amp;", "&"), "octocat")
	must(t, err)
	if g := s.redeem(t, parameters(t, to).Get("code")); g.Person.Login != "octocat" {
		t.Errorf("got a grant of %s", g.Person.Login)
	}
}

// A fault of the store, at any operation, before or after its effect, is 503 and not a word to the client
// (UP-17).
func TestStoreFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	for _, op := range []string{memory.OpGet, memory.OpTxGet, memory.OpCommit} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			s := serveGitHub(t, "anyone")
			b := s.browser(loopbackURI)
			p := get(t, b, s.request(), http.StatusOK)
			s.Faults.Before(fixture.Down(op))
			if op == memory.OpGet {
				page := get(t, b, s.request(), http.StatusServiceUnavailable)
				if page.Header.Get("Retry-After") == "" {
					t.Error("got no Retry-After")
				}
				s.Faults.Before(nil)
			}
			p = walk(t, b, p, "octocat")
			if op == memory.OpGet {
				parameters(t, p.Redirect)
				return
			}
			check(t, p, http.StatusServiceUnavailable)
			if p.Header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After: got %q, want 5", p.Header.Get("Retry-After"))
			}
			s.Faults.Before(nil)
			s.finishAgain(t, b, p.Body)
		})
	}
	t.Run("the answer to the commit is lost", func(t *testing.T) {
		t.Parallel()
		s := serve(t, nil)
		s.Faults.After(fixture.Down(memory.OpCommit))
		q := s.signIn(t, s.browser(loopbackURI), s.request(), "octocat")
		s.Faults.After(nil)
		s.redeem(t, q.Get("code"))
	})
}

// Keys that cannot be read are a fault as well, at each step.
func TestUnreadableKeysAreAFault(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	p := f.show(t)
	g := open(t, https, nil)
	g.Config.Box = seal.NewBox(keyfile.New("no/such/file", fernet.ParseKeyring, &keyfile.Options{Log: f.Log}), nil)
	var err error
	g.Handler, err = New(g.Config)
	must(t, err)
	wantPage(t, "approve", g.post(t, p, "approve"), http.StatusServiceUnavailable)
	wantPage(t, "callback", g.send(t, http.MethodGet, callbackURL("aaaaaaaaaaaaaaaa.b"), "", "Cookie",
		"__Host-"+signInCookie+"aaaaaaaaaaaaaaaa=x"), http.StatusServiceUnavailable)
}

// 200 people at once, each under a name of their own, through GitHub (UP-13).
func TestInterleavedUsersGetTheirOwnIdentity(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	type result struct{ login, code string }
	results := make(chan result, 200)
	turns := make(chan struct{}, 16) // more at once would only wait for each other, on a slow machine too long
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			login := fmt.Sprintf("person-%d", i)
			to, err := s.browser(loopbackURI).Walk(t.Context(), s.request("state", login), login)
			if err != nil {
				t.Errorf("%s: %v", login, err)
				return
			}
			results <- result{to.Query().Get("state"), to.Query().Get("code")}
		})
	}
	wg.Wait()
	close(results)
	for r := range results {
		if g := s.redeem(t, r.code); g.Person.Login != r.login {
			t.Errorf("%s got the grant of %s", r.login, g.Person.Login)
		}
	}
}

// The token of a sign-in that brings nothing is revoked, and no other of the person; that this fails, or takes
// for ever, changes no answer and is logged (UP-11, K1).
func TestTokenThatNobodyWillUseIsRevoked(t *testing.T) {
	t.Parallel()
	const scopes, membership = "read:org", "/user/memberships/orgs/acme"
	for what, c := range map[string]struct {
		outage string          // the path that fails while somebody signs in
		revoke oauthtest.Fault // of the revocation; zero is none
		live   int             // tokens that work afterwards
	}{
		"refused by ALLOW":            {live: 1},
		"membership unknown":          {outage: membership, live: 1},
		"account unknown":             {outage: "/user", live: 1},
		"revocation fails":            {revoke: oauthtest.ServerError(), live: 2},
		"revocation takes for ever":   {revoke: oauthtest.Fault{Drip: true}, live: 2},
		"revocation is not our app's": {revoke: oauthtest.Fault{Status: 401}, live: 2},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := serveGitHub(t, "org:acme")
			s.github.IssueToken("octocat", scopes) // of an earlier sign-in
			if c.outage != "" {
				s.github.Outage(c.outage, oauthtest.ServerError())
			}
			if c.revoke != (oauthtest.Fault{}) {
				s.github.Outage("/applications/"+s.github.ClientID+"/token", c.revoke)
			}
			b := s.browser(loopbackURI)
			p := walk(t, b, get(t, b, s.request(), http.StatusOK), "octocat")
			if got := s.github.LiveTokens("octocat"); got != c.live {
				t.Errorf("live tokens got %d, want %d", got, c.live)
			}
			if fault := p.Status == http.StatusServiceUnavailable; fault != (c.outage != "") {
				t.Errorf("got status %d, want 503 in an outage and only there", p.Status)
			}
			logged := strings.Contains(s.Lines.String(), "the token of a sign-in that failed was not revoked")
			if want := c.live == 2; logged != want {
				t.Errorf("a failed revocation: logged %t, want %t", logged, want)
			}
		})
	}
}

// A client that went away, or gave up its redirect URI, while the person was at the provider leaves no token
// behind (UP-11, K1).
func TestClientThatWentAwayLeavesNoToken(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(s *store.Store) error{
		"deleted": func(s *store.Store) error { return s.DeleteClient(t.Context(), loopbackID, nil) },
		"changed": func(s *store.Store) error {
			_, err := s.UpdateClient(t.Context(), loopbackID, func(c *store.Client) error {
				c.Metadata.RedirectURIs = []string{"https://elsewhere.example/"}
				return nil
			})
			return err
		},
	} {
		s := serveGitHub(t, "anyone")
		b := s.browser(loopbackURI)
		signIn := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
		must(t, change(s.Store))
		p, err := b.Continue(t.Context(), signIn, "octocat")
		must(t, err)
		check(t, press(t, b, p, "authorize=1"), http.StatusBadRequest)
		if got := s.github.LiveTokens("octocat"); got != 0 {
			t.Errorf("%s: got %d live tokens, want none", what, got)
		}
	}
}

// A suspended account is refused, whatever the rule, and not taken for an outage (UP-18).
func TestSuspendedAccountMayNotEnter(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	s.github.Suspend("octocat")
	b := s.browser(loopbackURI)
	p := walk(t, b, get(t, b, s.request(), http.StatusOK), "octocat")
	if p.Status == http.StatusServiceUnavailable || p.Redirect != nil && p.Redirect.Query().Has("code") {
		t.Errorf("got status %d and redirect %v, want a refusal", p.Status, p.Redirect)
	}
	if log := s.Lines.String(); !strings.Contains(log, `"event":"sign_in.failed"`) {
		t.Errorf("got %s, want the event sign_in.failed", log)
	}
}

// A permission that GitHub did not grant is a refusal, not a hole (UP-05).
func TestTooLittleScopeLetsNobodyIn(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "org:acme")
	s.github.AddToOrg("acme", "octocat", "active")
	token := s.github.IssueToken("octocat", "user")
	s.github.Outage("/login/oauth/access_token", oauthtest.Fault{Status: 200,
		Body: `{"access_token":"` + token + `","token_type":"bearer","scope":"user"}`})
	q := s.signIn(t, s.browser(loopbackURI), s.request(), "octocat")
	wantDenied(t, s, q, "GitHub did not grant a permission that this server needs")
}

// A server that would let nobody in, or everybody, does not start (UP-09).
func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"Store":    func(c *Config) { c.Store = nil },
		"Box":      func(c *Config) { c.Box = nil },
		"Provider": func(c *Config) { c.Provider = nil },
		"Allow":    func(c *Config) { c.Allow = upstream.Allow{} },
		"lifetime": func(c *Config) { c.CodeTTL = 0 },
	} {
		c := open(t, https, nil).Config
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: got %v", want, err)
		}
	}
}

// The development sign-in alone posts to the callback.
func TestGitHubDoesNotPostToTheCallback(t *testing.T) {
	t.Parallel()
	f := open(t, https, func(f *endpoint) {
		secret := func(context.Context) (credential.Secret, error) { return credential.Wrap("y"), nil }
		g, err := upstream.NewGitHub(upstream.GitHubConfig{ClientID: "x", ClientSecret: secret})
		must(t, err)
		f.Provider = g
	})
	wantPage(t, "POST", f.send(t, http.MethodPost, oauth.CallbackPath, "state=x&login=octocat"),
		http.StatusMethodNotAllowed)
	dev := open(t, loopback, nil)
	wantPage(t, "from another site", dev.send(t, http.MethodPost, oauth.CallbackPath, "state=x&login=octocat",
		"Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
}
