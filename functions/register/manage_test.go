package register

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

func update(c registration, body string) string { return `{"client_id":"` + c.ID + `",` + body[1:] }

func (s *server) client(t *testing.T, id string) store.Client {
	t.Helper()
	c, err := s.store.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The answer is the same byte for byte, so that it tells nothing about ids (REG-25).
func TestUnknownClientAndWrongTokenAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	id := regexp.MustCompile(`"request_id":"[A-Z2-7]{16}"`)
	show := func(w *httptest.ResponseRecorder) string {
		h := w.Header().Clone()
		h.Del("X-Request-Id")
		return fmt.Sprint(h, id.ReplaceAllString(w.Body.String(), ""))
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		unknown := s.send(t, method, "/register/c_"+strings.Repeat("A", 43), c.Token, publicBody)
		for _, w := range []*httptest.ResponseRecorder{
			s.send(t, method, "/register/"+c.ID, otherToken, publicBody),
			s.send(t, method, "/register/"+operatorID, operatorToken, publicBody),
			s.send(t, method, "/register/"+otherID, c.Token, "{"),
		} {
			if w.Code != http.StatusUnauthorized || show(w) != show(unknown) {
				t.Errorf("%s: got %d %s, want 401 %s", method, w.Code, show(w), show(unknown))
			}
		}
	}
	for _, id := range []string{c.ID, otherID, operatorID} {
		s.client(t, id) // still there
	}
}

// RFC 7592 §5: the token of before the update does not work any more.
func TestUpdateRotatesTheRegistrationAccessToken(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	old := s.register(t, publicBody)
	next := registered(t, s.send(t, http.MethodPut, "/register/"+old.ID, old.Token, update(old, publicBody)))
	if next.Token == old.Token || next.ID != old.ID {
		t.Fatalf("the update kept the token or changed the id: %q, %q", old.ID, next.ID)
	}
	s.Clock.Advance(store.RepeatTime)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		w := s.send(t, method, "/register/"+old.ID, old.Token, update(old, publicBody))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s with the old token: got %d, want 401", method, w.Code)
		}
	}
	if w := s.send(t, http.MethodGet, "/register/"+old.ID, next.Token, ""); w.Code != http.StatusOK {
		t.Errorf("the new token: got %d, want 200", w.Code)
	}
}

// RFC 7592 §2.2: the server chooses secrets, one per need.
func TestSecretFollowsTheMethod(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	secret := ""
	for _, step := range []struct {
		method string
		want   string // of the secret before: "minted", "kept" or "dropped"
	}{
		{oauth.AuthMethodBasic, "minted"}, {oauth.AuthMethodPost, "kept"}, {oauth.AuthMethodBasic, "kept"},
		{oauth.AuthMethodNone, "dropped"}, {oauth.AuthMethodNone, "dropped"}, {oauth.AuthMethodPost, "minted"},
	} {
		body := `{"redirect_uris":["https://app.example/"],"token_endpoint_auth_method":"` + step.method + `"}`
		w := s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, update(c, body))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: got %d %s, want 200", step.method, w.Code, w.Body)
		}
		c = registered(t, w)
		if (c.Secret != "") != (step.want == "minted") || c.Secret != "" && c.Secret == secret {
			t.Errorf("%s: the answer has a secret %t, want it %s and new", step.method, c.Secret != "", step.want)
		}
		if step.want != "kept" {
			secret = c.Secret
		}
		want := ""
		if secret != "" {
			want = credential.Hash(secret)
		}
		if got := s.client(t, c.ID).SecretHash; got != want {
			t.Errorf("%s: stored hash is %q, want %q", step.method, got, want)
		}
	}
}

// A refused update leaves the record as it was, and 16 KiB or a wrong client_id change
// nothing of that.
func TestRefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, secretBody)
	before := s.client(t, c.ID)
	for _, body := range []string{
		update(c, `{"redirect_uris":["javascript:/alert(1)"]}`),
		update(c, `{"redirect_uris":["data:/text"]}`),
		update(c, `{"redirect_uris":["http://app.example/"]}`),
		update(c, `{"redirect_uris":["https://auth.example.com/callback"]}`),
		update(c, `{"redirect_uris":["https://app.example/"],"token_endpoint_auth_method":"private_key_jwt"}`),
		update(c, `{"redirect_uris":["https://app.example/"],"client_secret":"cs_chosen"}`),
		update(c, `{"redirect_uris":["https://app.example/"],"client_secret":7}`),
		update(c, `{"redirect_uris":["https://app.example/"],"client_name":"`+strings.Repeat("a", maxBody)+`"}`),
		update(registration{ID: otherID}, publicBody), publicBody, "{", "",
	} {
		if w := s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, body); w.Code/100 != 4 ||
			w.Code == http.StatusUnauthorized {
			t.Errorf("%.80s: got %d %s, want a refusal", body, w.Code, w.Body)
		}
		if diff := cmp.Diff(before, s.client(t, c.ID)); diff != "" {
			t.Fatalf("%.80s changed the client (-want +got):\n%s", body, diff)
		}
	}
}

// An update cannot reach what only we set (RG-02).
func TestUpdateKeepsWhatIsOurs(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	before := s.client(t, c.ID)
	body := `{"operator":true,"resource_server":true,"registered":"2020-01-01T00:00:00Z","expiry":null,` +
		`"secret_hash":"x","client_id_issued_at":1,"id":"c_x",` + publicBody[1:]
	c = registered(t, s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, update(c, body)))
	want := before
	want.RegistrationTokenHash = credential.Hash(c.Token)
	got := s.client(t, c.ID)
	if want.Update = got.Update; want.Update == nil {
		t.Error("the update was not noted")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the client (-want +got):\n%s", diff)
	}
}

// RFC 7592 §2.3: what the client was granted ends with it.
func TestDeletionStopsEverythingOfTheClient(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	login := s.Login(c.ID)
	fixture.Must(t, s.store.IssueCode(t.Context(), login, fixture.AnyClient))
	red, _, err := s.store.RedeemCode(t.Context(), login.Code, "", s.client(t, c.ID), fixture.AnyCode)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.LiveGrant(t.Context(), red.Grant.ID); err != nil {
		t.Fatalf("the grant before: %v", err)
	}
	if w := s.send(t, http.MethodDelete, "/register/"+c.ID, c.Token, ""); w.Code != http.StatusNoContent ||
		w.Body.Len() > 0 {
		t.Fatalf("delete: got %d %s, want 204 without a body", w.Code, w.Body)
	}
	if _, err := s.store.LiveGrant(t.Context(), red.Grant.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the grant after: got %v, want ErrNotFound", err)
	}
	if _, err := s.store.Client(t.Context(), c.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the client after: got %v, want ErrNotFound", err)
	}
}

// A store that fails at any point is 503 and no verdict on the token.
func TestStoreFaultIsNeverAVerdict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, op string
		lost       bool // the effect happened, only its answer was lost
	}{
		{http.MethodGet, memory.OpGet, false},
		{http.MethodPut, memory.OpTxGet, false}, {http.MethodPut, memory.OpCommit, false},
		{http.MethodPut, memory.OpCommit, true},
		{http.MethodDelete, memory.OpTxGet, false}, {http.MethodDelete, memory.OpCommit, false},
		{http.MethodDelete, memory.OpCommit, true},
	} {
		s := newServer(t)
		c := s.register(t, publicBody)
		hook := s.Faults.Before
		if tc.lost {
			hook = s.Faults.After
		}
		hook(fixture.Down(tc.op))
		w := s.send(t, tc.method, "/register/"+c.ID, c.Token, update(c, publicBody))
		if tc.lost && tc.method == http.MethodPut { // SC-14: the update is found to be there
			kept := s.client(t, c.ID).RegistrationTokenHash
			if w.Code != http.StatusOK || !credential.Wrap(registered(t, w).Token).Equal(kept) {
				t.Errorf("PUT whose answer was lost: got %d %s, want 200 with the token that counts", w.Code, w.Body)
			}
			continue
		}
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
			strings.Contains(w.Body.String(), "rat_") {
			t.Errorf("%s, %s fails, lost %t: got %d %s, want 503", tc.method, tc.op, tc.lost, w.Code, w.Body)
		}
		hook(nil)
		if tc.lost {
			continue
		}
		if w := s.send(t, tc.method, "/register/"+c.ID, c.Token, update(c, publicBody)); w.Code >= 300 {
			t.Errorf("%s again after %s failed: got %d %s, want success", tc.method, tc.op, w.Code, w.Body)
		}
	}
}

// A token is good for one update. The same update many times over is one, with one answer.
func TestOneOfManyUpdatesWins(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	var wg sync.WaitGroup
	answers := make([]*httptest.ResponseRecorder, 32)
	for i := range answers {
		body := update(c, `{"n":`+strconv.Itoa(i/2)+`,`+publicBody[1:])
		wg.Go(func() { answers[i] = s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, body) })
	}
	wg.Wait()
	won := 0
	for i, w := range answers {
		switch w.Code {
		case http.StatusOK:
			won++
			if twin := answers[i^1]; twin.Body.String() != w.Body.String() {
				t.Errorf("got %s and %s, want one answer for one update", w.Body, twin.Body)
			}
			if !credential.Wrap(registered(t, w).Token).Equal(s.client(t, c.ID).RegistrationTokenHash) {
				t.Error("the winner's token is not the client's")
			}
		case http.StatusUnauthorized:
		default:
			t.Errorf("got %d %s, want 200 or 401", w.Code, w.Body)
		}
	}
	if won != 2 {
		t.Errorf("winners: got %d, want one update, sent twice", won)
	}
}

// An id that is nobody's may be a secret in the wrong place, so only a client that was looked up
// and found is named (LG-01).
func TestOnlyARegisteredClientIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	line := func(method, id, token, body string) map[string]any {
		t.Helper()
		s.Lines.Reset()
		s.send(t, method, "/register/"+id, token, body)
		for l := range strings.Lines(s.Lines.String()) {
			if e := decode(t, []byte(l)); e["event"] == nil {
				return e
			}
		}
		t.Fatal("there is no line of the request")
		return nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		for _, step := range []struct {
			id, token string
			want      any
		}{
			{"gho_canary", "rat_wrong", "unknown"},
			{"gho_canary", "", nil}, // nothing was looked up
			{c.ID, "rat_wrong", c.ID},
			{c.ID, c.Token, c.ID}, // for PUT: a body that is refused
		} {
			e := line(method, step.id, step.token, "{}")
			if e["client_id"] != step.want || e["path"] != "/register/{client_id}" {
				t.Errorf("%s: got %v at %v, want %v", method, e["client_id"], e["path"], step.want)
			}
			if strings.Contains(s.Lines.String(), "canary") {
				t.Errorf("%s: the log has the id: %s", method, s.Lines.String())
			}
		}
	}
	s.Faults.Before(fixture.Down(""))
	if e := line(http.MethodGet, "gho_canary", "rat_wrong", ""); e["client_id"] != nil ||
		strings.Contains(s.Lines.String(), "canary") {
		t.Errorf("store down: got %s, want no client", s.Lines.String())
	}
}
