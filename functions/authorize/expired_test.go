package authorize

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// wantNoAlarm fails the test if something was logged as an attack.
func (f *endpoint) wantNoAlarm(t *testing.T, what string) {
	t.Helper()
	if strings.Contains(f.Lines.String(), string(telemetry.SignInBindingFailed)) {
		t.Errorf("%s: logged as an attack:\n%s", what, f.Lines)
	}
}

// A person who was too slow reads so, on the way out and on the way back, and gets through by starting
// again with the same request; it is not an attack (CD-17).
func TestExpiredSignInStartsAgain(t *testing.T) {
	t.Parallel()
	for _, slow := range []string{"on the page", "at GitHub"} {
		t.Run(slow, func(t *testing.T) {
			t.Parallel()
			s := serveGitHub(t, "anyone")
			b := s.browser(loopbackURI)
			p := get(t, b, s.request("login_hint", "octocat", "scope", "mcp offline_access"), http.StatusOK)
			if slow == "at GitHub" {
				p = press(t, b, p, "decision=approve")
			}
			s.Clock.Advance(s.SignInTTL)
			late := check(t, walk(t, b, p, "octocat"), http.StatusBadRequest)
			got, _ := text(t, late.Body)
			for _, words := range []string{"This sign-in took too long", "within 10 minutes", "opens 127.0.0.1:49152"} {
				if !strings.Contains(got, words) {
					t.Errorf("the page does not say %q:\n%s", words, got)
				}
			}
			s.wantNoAlarm(t, slow)
			again, err := b.Follow(t.Context(), late, "Start again")
			must(t, err)
			q := parameters(t, walk(t, b, check(t, again, http.StatusOK), "octocat").Redirect)
			if g := s.redeem(t, q.Get("code")); q.Get("state") != "st&te=1" || g.Person.Login != "octocat" {
				t.Errorf("got state %q and a grant of %s", q.Get("state"), g.Person.Login)
			}
			back, err := b.Follow(t.Context(), late, "Back to the application")
			must(t, err)
			wantDenied(t, s, parameters(t, back.Redirect), "the sign-in took too long")
		})
	}
}

// What a page starts again with is read as the request that it began with.
func TestRequestIsTheSameWhenItStartsAgain(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	for _, changes := range [][]string{
		nil, {"state", ""}, {"state", "a b&c=d%20+é"}, {"scope", "mcp offline_access other"},
		{"prompt", "select_account login", "login_hint", "octocat", "domain_hint", "example.com"},
	} {
		u, err := url.Parse(f.request(changes...))
		must(t, err)
		first := readAgain(t, u.RawQuery)
		if again := readAgain(t, first.query().Encode()); !reflect.DeepEqual(again, first) {
			t.Errorf("%v: got %+v, want %+v", changes, again, first)
		}
	}
}

func readAgain(t *testing.T, query string) request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?"+query, nil)
	must(t, err)
	params, err := strict.Query(r, "resource")
	must(t, err)
	req, err := readRequest(params, https, oauth.Resources{})
	must(t, err)
	return req
}

// Long after, when the browser has forgotten, the state still says that it is over; nothing of the
// request is shown, since it may be another person's. A state in its time without its cookie is the
// attack it was (CD-02, CD-17).
func TestForgottenSignInIsToldFromAnAttack(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	b := s.browser(loopbackURI)
	p := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	state := p.URL.Query().Get("state")
	callback := s.origin + oauth.CallbackPath + "?" + url.Values{"code": {"x"}, "state": {state}}.Encode()
	s.Clock.Advance(s.SignInTTL)
	late := check(t, get(t, s.browser(loopbackURI), callback, http.StatusBadRequest), http.StatusBadRequest)
	if got, _ := text(t, late.Body); !strings.Contains(got, "took too long") || len(late.Links) != 0 {
		t.Errorf("got %s with links %v, want the sentence alone", got, late.Links)
	}
	s.wantNoAlarm(t, "a forgotten sign-in")
	s.Clock.Advance(-time.Second)
	get(t, s.browser(loopbackURI), callback, http.StatusForbidden)
	if !strings.Contains(s.Lines.String(), string(telemetry.SignInBindingFailed)) {
		t.Error("a callback in its time without its cookie is not on record")
	}
}

// The end that a state names is part of what has to fit the cookie (UP-01).
func TestNobodyMovesTheEndOfAState(t *testing.T) {
	t.Parallel()
	f := open(t, loopback, nil)
	mine := f.approveRaw(t)
	parts := strings.Split(mine.state, ".")
	for _, end := range []string{"0", "zzzzzz", parts[1] + "0"} {
		moved := strings.Join([]string{parts[0], end, parts[2]}, ".")
		wantPage(t, end, f.send(t, http.MethodGet, callbackURL(moved), "", "Cookie", mine.cookie), http.StatusForbidden)
	}
}
