package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/test/kit/edgetest"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// begin returns the cookie of a session at an origin, with its attributes.
func begin(t *testing.T, box *seal.Box, origin string, now time.Time) string {
	t.Helper()
	w := edgetest.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fixture.Must(t, session.Begin(w, r, box, "github:1", "octocat", now))
	}), at(t, origin), "GET", origin+"/", "")
	return w.Header().Get("Set-Cookie")
}

func of(t *testing.T, box *seal.Box, origin, cookie string, now time.Time) (s session.Session, ok bool, err error) {
	t.Helper()
	edgetest.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, ok, err = session.Of(r, box, now)
	}), at(t, origin), "GET", origin+"/", "", "Cookie: "+cookie)
	return s, ok, err
}

func at(t *testing.T, origin string) edge.Options {
	return edge.Options{Deployment: edge.Deployment{Issuer: edgetest.Origin(t, origin)}}
}

// A session is good in its time, at its origin, with our keys, and nowhere else; its cookie is kept from scripts, other
// hosts and other sites' forms (CD-20).
func TestSessionIsGoodInItsTimeAndPlace(t *testing.T) {
	t.Parallel()
	const origin = "https://auth.example.com"
	clock := fixture.NewClock()
	now := clock.Now()
	box, other := fixture.Sealer(clock, fernet.GenerateKey()), fixture.Sealer(clock, fernet.GenerateKey())
	set := begin(t, box, origin, now)
	cookie, attributes, _ := strings.Cut(set, ";")
	for _, want := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=600"} {
		if !strings.Contains(attributes, want) || !strings.HasPrefix(cookie, "__Host-") {
			t.Errorf("got %q, want %s and the prefix", set, want)
		}
	}
	s, ok, err := of(t, box, origin, cookie, now.Add(session.Life-time.Second))
	if err != nil || !ok || s.Subject != "github:1" || s.Login != "octocat" || !s.Issued(s.Token()) {
		t.Errorf("got %+v, %t, %v", s, ok, err)
	}
	again, _, _ := strings.Cut(begin(t, box, origin, now), ";")
	if a, _, _ := of(t, box, origin, again, now); a.Issued(s.Token()) || a.Token() == s.Token() || a.Issued("") {
		t.Error("the form of one session counts in another of the same person")
	}
	for what, c := range map[string]struct {
		box            *seal.Box
		origin, cookie string
		after          time.Duration
	}{
		"over":           {box, origin, cookie, session.Life},
		"another origin": {box, "https://b.example.com", cookie, 0},
		"another's keys": {other, origin, cookie, 0},
		"none":           {box, origin, "", 0},
	} {
		if s, ok, err := of(t, c.box, c.origin, c.cookie, now.Add(c.after)); ok || err != nil {
			t.Errorf("%s: got %+v, %t, %v; want none", what, s, ok, err)
		}
	}
}
