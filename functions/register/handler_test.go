package register

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/webtest"
)

// Clients that are there from the start.
const (
	otherID       = "c_other"
	otherToken    = "rat_of-the-other-client"
	operatorID    = "operators"
	operatorToken = "rat_of-the-operators-client"
)

// A server is the endpoint over a store in memory.
type server struct {
	http.Handler
	*fixture.Base
	store *store.Store
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{Base: fixture.New()}
	s.store = s.Open(t, store.Lifetimes{})
	for _, c := range []store.Client{
		{ID: otherID, RegistrationTokenHash: credential.Hash(otherToken)},
		{ID: operatorID, RegistrationTokenHash: credential.Hash(operatorToken), Operator: true},
	} {
		c.Metadata = oauth.ClientMetadata{RedirectURIs: []string{"https://other.example/"},
			TokenEndpointAuthMethod: oauth.AuthMethodNone}
		_, err := s.store.RegisterClient(t.Context(), c)
		fixture.Must(t, err)
	}
	s.Cost.Take()
	issuer, err := origin.Parse(fixture.Origin)
	fixture.Must(t, err)
	l := s.Lines.Logger()
	ours := edge.Deployment{Issuer: issuer, Log: l}
	s.Handler, err = New(Config{Edge: ours, Store: s.store, Log: l, Now: s.Clock.Now})
	fixture.Must(t, err)
	return s
}

// send sends a request with a JSON body, which may be empty, and the token, likewise.
func (s *server) send(t testing.TB, method, path, token, body string) *httptest.ResponseRecorder {
	t.Helper()
	return s.sendFrom(t, "192.0.2.1:1234", method, path, token, body)
}

// sendFrom is send from an address with a port.
func (s *server) sendFrom(t testing.TB, address, method, path, token, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = address
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestWire(t *testing.T) {
	t.Parallel()
	names := webtest.Options{
		Every: webtest.API,
		Set: map[string]string{
			"other_id": otherID, "other_token": otherToken, "operator_token": operatorToken,
			"big": strings.Repeat("a", maxBody),
		},
		Capture: []webtest.Replacement{
			{Name: "client_id", Pattern: regexp.MustCompile(`"client_id":"(c_[\w-]{43})"`)},
			{Name: "secret", Pattern: regexp.MustCompile(`"client_secret":"(cs_[\w-]{43})"`)},
			{Name: "token", Pattern: regexp.MustCompile(`"registration_access_token":"(rat_[\w-]{43,86})"`)},
		},
		Replace: []webtest.Replacement{{Name: "client_id", Pattern: regexp.MustCompile(`/register/(c_[\w-]{43})"`)}},
	}
	webtest.Run(t, func(t *testing.T) http.Handler { return newServer(t) }, "testdata/wire", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		s := newServer(t)
		s.Faults.Before(fixture.Down(""))
		return s
	}, "testdata/faults", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		s := newServer(t)
		for range registrationBurst {
			s.send(t, http.MethodPost, "/register", "", "{}")
		}
		return s
	}, "testdata/flooded", names)
}
