package register

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/webtest"
)

// Clients that are there from the start.
const (
	otherID       = "c_other"
	otherToken    = "rat_of-the-other-client"
	operatorID    = "operators"
	operatorToken = "rat_of-the-operators-client"
)

// A server is the endpoint over a store in memory that can be made to fail.
type server struct {
	http.Handler
	store *store.Store
	cost  *memory.Counter
	clock atomic.Int64 // seconds since 1970

	// before and after fail an operation before or after its effect; nil does not.
	before, after atomic.Pointer[func(op string) error]
}

func newServer(t testing.TB, log io.Writer) *server {
	t.Helper()
	s := &server{}
	s.clock.Store(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(s.clock.Load(), 0) }
	s.cost = memory.Count(memory.New(&memory.Options{RunTwice: true, Fault: fault(&s.before), FaultAfter: fault(&s.after)}))
	box := seal.NewBox(keyfile.Static(fernet.Keyring{fernet.GenerateKey()}), now)
	var err error
	if s.store, err = store.New(s.cost, box, store.Lifetimes{}, now); err != nil {
		t.Fatal(err)
	}
	for _, c := range []store.Client{
		{ID: otherID, RegistrationTokenHash: credential.Hash(otherToken)},
		{ID: operatorID, RegistrationTokenHash: credential.Hash(operatorToken), Operator: true},
	} {
		c.Metadata = oauth.ClientMetadata{RedirectURIs: []string{"https://other.example/"}, TokenEndpointAuthMethod: oauth.AuthMethodNone}
		if _, err := s.store.RegisterClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	s.cost.Take()
	issuer, err := origin.Parse("https://auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	l := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Handler, err = New(Config{Edge: edge.Deployment{Issuer: issuer, Log: l}, Store: s.store, Log: l, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fault(f *atomic.Pointer[func(string) error]) func(string, driver.Key) error {
	return func(op string, _ driver.Key) error {
		if p := f.Load(); p != nil {
			return (*p)(op)
		}
		return nil
	}
}

var errUnreachable = errors.New("store unreachable")

func unreachable(string) error { return errUnreachable }

// failing makes every operation that f says fail.
func failing(p *atomic.Pointer[func(string) error], f func(op string) error) { p.Store(&f) }

// send sends a request with a JSON body, which may be empty, and the token, likewise.
func (s *server) send(t testing.TB, method, path, token, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
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
			{Name: "token", Pattern: regexp.MustCompile(`"registration_access_token":"(rat_[\w-]{43})"`)},
		},
		Replace: []webtest.Replacement{{Name: "client_id", Pattern: regexp.MustCompile(`/register/(c_[\w-]{43})"`)}},
	}
	webtest.Run(t, func(t *testing.T) http.Handler { return newServer(t, t.Output()) }, "testdata/wire", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		s := newServer(t, t.Output())
		failing(&s.before, unreachable)
		return s
	}, "testdata/faults", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		s := newServer(t, t.Output())
		for range registrationBurst {
			s.send(t, http.MethodPost, "/register", "", "{}")
		}
		return s
	}, "testdata/flooded", names)
}
