package authorize

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/edgetest"

	"github.com/postern-dev/postern/shared/edge"
)

// cookies returns what an answer sets, as a browser sends it back.
func cookies(w *httptest.ResponseRecorder) string {
	var all []string
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			all = append(all, c.Name+"="+c.Value)
		}
	}
	return strings.Join(all, "; ")
}

// sessionOf returns whose session a browser has.
func (f *endpoint) sessionOf(tb testing.TB, cookies string) (s session.Session, ok bool) {
	tb.Helper()
	edgetest.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		s, ok, err = session.Of(r, f.Box, f.Clock.Now())
		must(tb, err)
	}), edge.Options{Deployment: edge.Deployment{Issuer: edgetest.Origin(tb, f.origin)}}, "GET", f.origin+"/", "",
		"Cookie: "+cookies)
	return s, ok
}

// beginVisit presses the button and returns the state and the cookie of the browser.
func (f *endpoint) beginVisit(tb testing.TB, body string) (state, cookie string) {
	tb.Helper()
	w := f.send(tb, http.MethodPost, oauth.VisitPath, body, "Origin", f.origin, "Sec-Fetch-Site", "same-origin")
	to, err := url.Parse(w.Header().Get("Location"))
	must(tb, err)
	if w.Code != http.StatusSeeOther || to.Query().Get("state") == "" {
		tb.Fatalf("got %d to %s, want the provider", w.Code, to)
	}
	return to.Query().Get("state"), cookies(w)
}

// A person's browser has a session of that person after the sign-in that it began, and of nobody before.
func TestVisitGivesTheBrowserASession(t *testing.T) {
	t.Parallel()
	f := serve(t, nil).endpoint
	state, cookie := f.beginVisit(t, "")
	f.Cost.Take()
	w := f.send(t, http.MethodPost, oauth.CallbackPath, url.Values{"state": {state}, "login": {"Mona"}}.Encode(),
		"Cookie", cookie)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != oauth.ConnectionsPath {
		t.Fatalf("got %d to %q\n%s", w.Code, w.Header().Get("Location"), w.Body)
	}
	s, ok := f.sessionOf(t, cookies(w))
	if !ok || s.Subject != "development:mona" || s.Login != "Mona" {
		t.Errorf("got a session %t of %s, %s", ok, s.Subject, s.Login)
	}
	if n := len(f.Kept(t)); n != 7 { // the clients
		t.Errorf("%d documents are kept: a visit keeps nothing", n)
	}
	if !strings.Contains(f.Lines.String(), "connections.opened") {
		t.Error("the visit is not on record")
	}
	f.Clock.Advance(session.Life)
	if _, ok := f.sessionOf(t, cookies(w)); ok {
		t.Error("the session does not end")
	}
	if _, ok := f.sessionOf(t, cookie); ok {
		t.Error("the cookie of a sign-in under way is a session")
	}
}

// Nobody can be made somebody else: a visit needs the click on a page of ours, and ends in the browser that began
// it (CD-02, CD-03, CD-20).
func TestVisitIsBoundToTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	f := serve(t, nil).endpoint
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"},
	} {
		w := f.send(t, http.MethodPost, oauth.VisitPath, "", headers...)
		if w.Code != http.StatusForbidden || cookies(w) != "" {
			t.Errorf("%v: got %d and cookies %q, want 403 and none", headers, w.Code, cookies(w))
		}
	}
	state, cookie := f.beginVisit(t, "")
	_, other := f.beginVisit(t, "")
	for what, own := range map[string]string{"no cookie": "", "the cookie of another visit": other} {
		w := f.send(t, http.MethodPost, oauth.CallbackPath, url.Values{"state": {state}, "login": {"mona"}}.Encode(),
			"Cookie", own)
		if w.Code != http.StatusForbidden || cookies(w) != "" {
			t.Errorf("%s: got %d and cookies %q, want 403 and none", what, w.Code, cookies(w))
		}
	}
	w := f.send(t, http.MethodPost, oauth.VisitPath, "account=another&x=y")
	if w.Code != http.StatusBadRequest {
		t.Errorf("a field of somebody else's: got %d, want 400", w.Code)
	}
	w = f.send(t, http.MethodGet, oauth.VisitPath, "")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != oauth.ConnectionsPath {
		t.Errorf("a reload by GET: got %d to %q, want the page", w.Code, w.Header().Get("Location"))
	}
	f.Clock.Advance(f.SignInTTL)
	w = f.send(t, http.MethodPost, oauth.CallbackPath, url.Values{"state": {state}, "login": {"mona"}}.Encode(),
		"Cookie", cookie)
	got, _ := text(t, w.Body.String())
	again := strings.Contains(got, "Sign in again to see your connections")
	if w.Code != http.StatusBadRequest || cookies(w) != "" || !again {
		t.Errorf("too late: got %d and cookies %q\n%s", w.Code, cookies(w), got)
	}
}

// Somebody who says no at the provider is back where they were, without a session.
func TestVisitThatIsDeclinedChangesNothing(t *testing.T) {
	t.Parallel()
	f := serve(t, nil).endpoint
	state, cookie := f.beginVisit(t, "")
	w := f.send(t, http.MethodGet, oauth.CallbackPath+"?error=access_denied&state="+url.QueryEscape(state), "",
		"Cookie", cookie)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != oauth.ConnectionsPath || cookies(w) != "" {
		t.Errorf("got %d to %q with cookies %q", w.Code, w.Header().Get("Location"), cookies(w))
	}
}

// The visit goes by the one callback that the provider knows, whoever ALLOW lets in, and leaves no token behind
// (K1, UP-11). Another account is one press away.
func TestVisitThroughGitHubLeavesNoToken(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:somebody-else")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /form", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<form method="post" action="/connections/sign-in">` +
			`<button name="account" value="another">x</button></form>`))
	})
	mux.HandleFunc("GET /connections", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("there")) })
	mux.Handle("/", s.endpoint)
	s.https.Config.Handler = mux
	b := s.browser("")
	p := walk(t, b, press(t, b, get(t, b, s.origin+"/form", http.StatusOK), "account=another"), "octocat")
	if p.Body != "there" {
		t.Fatalf("got another page than %s: %s\n%s", oauth.ConnectionsPath, p.URL, p.Body)
	}
	u, err := url.Parse(s.origin + "/")
	must(t, err)
	who, ok := s.sessionOf(t, strings.Join(b.Cookies(u), "; "))
	if !ok || who.Login != "octocat" || !strings.HasPrefix(who.Subject, "github:") {
		t.Errorf("got a session %t of %s, %s", ok, who.Subject, who.Login)
	}
	if n := s.github.LiveTokens("octocat"); n != 0 {
		t.Errorf("GitHub keeps %d tokens of the visit", n)
	}
}

// An approval and a visit are told apart by what is sealed: the state of one never completes the other.
func TestVisitAndApprovalAreTwoThings(t *testing.T) {
	t.Parallel()
	f := serve(t, nil).endpoint
	state, cookie := f.beginVisit(t, "")
	h := &handler{Config: f.Config}
	name, sealed, _ := strings.Cut(cookie, "=")
	visit, err := h.open(t.Context(), purposeSignIn, sealed, f.origin)
	if err != nil || !visit.Visit || visit.state() != state || !strings.Contains(name, visit.id()) {
		t.Errorf("got %+v, %v", visit, err)
	}
	if _, err := h.redirect(httptest.NewRequest("GET", f.origin, nil), visit); err == nil {
		t.Error("a visit has a client to go to")
	}
	if !keepsToken(&upstream.GitHub{}) || keepsToken(&upstream.Development{}) {
		t.Error("the page says wrongly whose token is kept")
	}
}
