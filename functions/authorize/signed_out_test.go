package authorize

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// tell sends the endpoint a logout token, as the provider does.
func (f *endpoint) tell(t *testing.T, token string) *httptest.ResponseRecorder {
	t.Helper()
	form := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, f.origin+oauth.SignOutPath, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// connect is a whole sign-in up to the grant.
func (s *server) connect(t *testing.T, login string) store.Grant {
	t.Helper()
	got := s.browser(loopbackURI).SignIn(t, s.request(), login)
	return s.redeem(t, parameters(t, got).Get("code"))
}

func (f *endpoint) lives(t *testing.T, g store.Grant) bool {
	t.Helper()
	now, err := f.Store.Grant(t.Context(), g.ID)
	must(t, err)
	return now.Revoked.IsZero()
}

// Who signs out at the provider is out here: by the person all connections, by the session those of that session
// and of nobody else. To be told again changes nothing, and a later sign-in stays (UP-25).
func TestSignOutAtTheProviderEndsGrants(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "anyone")
	first, second, eves := s.connect(t, "ann"), s.connect(t, "ann"), s.connect(t, "eve")
	bySession := fake.LogoutToken("ann", true, true, nil)
	check := func(what string, want ...bool) {
		t.Helper()
		for i, g := range []store.Grant{first, second, eves} {
			if got := s.lives(t, g); got != want[i] {
				t.Errorf("%s: grant %d lives: got %t, want %t", what, i+1, got, want[i])
			}
		}
	}
	for range 2 {
		if w := s.tell(t, bySession); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
		check("the second session", true, false, true)
	}
	foreign := fake.LogoutToken("eve", true, false, func(_, c map[string]any) { c["sid"] = "sid-1" })
	if w := s.tell(t, foreign); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
	check("a session that is not hers", true, false, true)
	byPerson := fake.LogoutToken("ann", true, false, nil)
	s.Clock.Advance(2 * time.Minute)
	later := s.connect(t, "ann")
	for range 2 {
		s.tell(t, byPerson)
		check("the person", false, false, true)
		if !s.lives(t, later) {
			t.Error("a later sign-in: got it ended")
		}
	}
	log := s.Lines.String()
	if !strings.Contains(log, `"event":"sign_out.received"`) || !strings.Contains(log, `"by":"provider"`) {
		t.Error("got no line about it")
	}
}

// A code that waits for its client goes too, or a connection would begin after the end.
func TestSignOutEndsACodeThatWaits(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "anyone")
	got := s.browser(loopbackURI).SignIn(t, s.request(), "ann")
	s.tell(t, fake.LogoutToken("ann", true, false, nil))
	code := credential.Wrap(parameters(t, got).Get("code"))
	if _, err := s.Store.Code(t.Context(), code); err == nil {
		t.Error("got the code, want it gone")
	}
}

// What is not good ends nothing; a fault of ours is told as one, so that the provider sends it again.
func TestWhatDoesNotSignOut(t *testing.T) {
	t.Parallel()
	s, fake := serveOpenID(t, "anyone")
	g := s.connect(t, "ann")
	for what, token := range map[string]string{
		"nothing": "", "not a token": "x",
		"another client's": fake.LogoutToken("ann", true, false, func(_, c map[string]any) { c["aud"] = "x" }),
	} {
		w := s.tell(t, token)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"invalid_request"`) || !s.lives(t, g) {
			t.Errorf("%s: got %d %s", what, w.Code, w.Body)
		}
	}
	fake.RotateKeys(false)
	fake.Outage("/jwks", oauthtest.ServerError())
	s.Clock.Advance(time.Minute)
	if w := s.tell(t, fake.LogoutToken("ann", true, false, nil)); w.Code != 503 {
		t.Errorf("an outage: got %d", w.Code)
	}
	github := serveGitHub(t, "anyone")
	if w := github.tell(t, "x"); w.Code != 404 {
		t.Errorf("GitHub: got %d, want 404", w.Code)
	}
}
