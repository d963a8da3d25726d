package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	publicBody = `{"client_name":"Editor","redirect_uris":["http://127.0.0.1:33418/callback"],` +
		`"token_endpoint_auth_method":"none"}`
	secretBody = `{"client_name":"Server","redirect_uris":["https://app.example/callback"],` +
		`"token_endpoint_auth_method":"client_secret_basic"}`
)

// A registration as its client has it.
type registration struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	Token  string `json:"registration_access_token"`
}

func (s *server) register(t testing.TB, body string) registration {
	t.Helper()
	w := s.send(t, http.MethodPost, "/register", "", body)
	if w.Code != http.StatusCreated {
		t.Fatalf("register: got %d %s, want 201", w.Code, w.Body)
	}
	return registered(t, w)
}

func registered(t testing.TB, w *httptest.ResponseRecorder) registration {
	t.Helper()
	var r registration
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// ids returns the ids of the clients that registered themselves here.
func (s *server) ids(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for c, err := range s.store.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if c.ID != otherID && c.ID != operatorID {
			ids[c.ID] = true
		}
	}
	return ids
}

func TestCostIsWithinTheBudget(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cost := func(what string, want memory.Cost) {
		t.Helper()
		if got := s.Cost.Take(); got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	c := s.register(t, secretBody)
	cost("registration", memory.Cost{Reads: 0, Commits: 1})
	s.send(t, http.MethodPost, "/register", "", "{}")
	cost("refused registration", memory.Cost{})
	s.send(t, http.MethodGet, "/register/"+c.ID, c.Token, "")
	cost("read", memory.Cost{Reads: 1})
	s.send(t, http.MethodGet, "/register/"+c.ID, "", "")
	s.send(t, http.MethodPut, "/register/"+c.ID, "", "{}")
	s.send(t, http.MethodDelete, "/register/"+c.ID, "", "")
	cost("requests without a token", memory.Cost{})
}

// A hash is all that is kept, and no two clients share anything (RG-05, RG-06, RG-07).
func TestCredentialsAreKeptAsHashesAndNeverLogged(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.register(t, secretBody), s.register(t, secretBody)
	if a.ID == b.ID || a.Secret == b.Secret || a.Token == b.Token {
		t.Errorf("two registrations share a credential: %q and %q", a.ID, b.ID)
	}
	s.send(t, http.MethodGet, "/register/"+a.ID, a.Token, "")
	s.send(t, http.MethodGet, "/register/"+a.ID, b.Token, "")
	body := `{"client_id":"` + a.ID + `","client_secret":"` + a.Secret + `",` + secretBody[1:]
	updated := registered(t, s.send(t, http.MethodPut, "/register/"+a.ID, a.Token, body))
	c, err := s.store.Client(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c.SecretHash != credential.Hash(a.Secret) || c.RegistrationTokenHash != credential.Hash(updated.Token) {
		t.Errorf("stored hashes: got %q and %q", c.SecretHash, c.RegistrationTokenHash)
	}
	kept, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{a.Secret, a.Token, b.Token, updated.Token} {
		if secret == "" || bytes.Contains(kept, []byte(secret)) || strings.Contains(s.Lines.String(), secret) {
			t.Errorf("a credential is empty, in the record or in the log:\n%s\n%s", kept, s.Lines.String())
		}
	}
}

// What happened is on record, under the client's id (LG-07).
func TestEventsAreAudited(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	s.send(t, http.MethodGet, "/register/"+c.ID, "rat_wrong", "")
	s.send(t, http.MethodGet, "/register/c_unknown", "rat_wrong", "")
	c = registered(t, s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, `{"client_id":"`+c.ID+`",`+publicBody[1:]))
	s.send(t, http.MethodDelete, "/register/"+c.ID, c.Token, "")
	var got []string
	for line := range strings.Lines(s.Lines.String()) {
		e := decode(t, []byte(line))
		if e["event"] == nil {
			continue
		}
		got = append(got, e["event"].(string))
		if e["client_id"] != c.ID {
			t.Errorf("%s: client_id is %v, want %s", e["event"], e["client_id"], c.ID)
		}
	}
	want := []string{"client.registered", "client.auth_failed", "client.updated", "client.deleted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// 201 comes after the commit, and a client that saw no answer registers again and is another client
// (RG-09).
func TestRegistrationIsNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		fail func(*server)
		kept int // clients after the failed attempt
	}{
		{"failed before the commit", func(s *server) { s.Faults.Before(fixture.Down("")) }, 0},
		{"answer lost after the commit", func(s *server) { s.Faults.After(fixture.Down("")) }, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			tc.fail(s)
			w := s.send(t, http.MethodPost, "/register", "", secretBody)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
				strings.Contains(w.Body.String(), "cs_") {
				t.Errorf("got %d %v %s, want 503 with Retry-After", w.Code, w.Header(), w.Body)
			}
			s.Faults.Before(nil)
			s.Faults.After(nil)
			if got := len(s.ids(t)); got != tc.kept {
				t.Errorf("clients after the fault: got %d, want %d", got, tc.kept)
			}
			c := s.register(t, secretBody)
			if got := s.ids(t); len(got) != tc.kept+1 || !got[c.ID] {
				t.Errorf("clients after the retry: got %v, want %q among %d", got, c.ID, tc.kept+1)
			}
		})
	}
}

// An id that is taken is not shared and not replaced (RG-05, RG-09).
func TestTakenIDIsTriedAgainWithAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	taken := 2
	s.Faults.Before(func(op string) error {
		if op == memory.OpCreate && taken > 0 {
			taken--
			return driver.ErrExists
		}
		return nil
	})
	c := s.register(t, publicBody)
	if got := s.ids(t); len(got) != 1 || !got[c.ID] {
		t.Errorf("clients: got %v, want only %q", got, c.ID)
	}
	s.Faults.Before(func(string) error { return driver.ErrExists })
	if w := s.send(t, http.MethodPost, "/register", "", publicBody); w.Code != http.StatusServiceUnavailable {
		t.Errorf("every id is taken: got %d %s, want 503", w.Code, w.Body)
	}
}

// A flood from one source, well-formed or not, leaves another source alone (RG-01).
func TestFloodSlowsDownItsOwnSourceOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	from := func(address, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/register", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	limited := 0
	for i := range 10_000 {
		body := publicBody
		if i%2 == 1 {
			body = "{"
		}
		if w := from("192.0.2.7:4000", body); w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if want := 10_000 - registrationBurst; limited != want {
		t.Errorf("refused of 10000: got %d, want %d", limited, want)
	}
	if got, want := len(s.ids(t)), registrationBurst/2; got != want {
		t.Errorf("clients of the flood: got %d, want %d", got, want)
	}
	if w := from("192.0.2.8:4000", publicBody); w.Code != http.StatusCreated {
		t.Errorf("another source: got %d, want 201", w.Code)
	}
	s.Clock.Advance(time.Second)
	if w := from("192.0.2.7:4001", publicBody); w.Code != http.StatusCreated {
		t.Errorf("a second later: got %d, want 201", w.Code)
	}
}

// An unused registration expires, and its token with it.
func TestUnusedRegistrationExpires(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	s.Clock.Advance(7*24*time.Hour - time.Second)
	if w := s.send(t, http.MethodGet, "/register/"+c.ID, c.Token, ""); w.Code != http.StatusOK {
		t.Errorf("just before: got %d, want 200", w.Code)
	}
	s.Clock.Advance(time.Second)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		want := http.StatusUnauthorized
		if method == http.MethodDelete { // it is gone, which is what was asked
			want = http.StatusNoContent
		}
		if w := s.send(t, method, "/register/"+c.ID, c.Token, publicBody); w.Code != want {
			t.Errorf("%s when it expires: got %d, want %d", method, w.Code, want)
		}
	}
	if _, err := s.store.Client(t.Context(), c.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the client when it expires: got %v, want ErrNotFound", err)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Config.Store") {
		t.Errorf("New without a store: got %v, want an error that names Config.Store", err)
	}
}
