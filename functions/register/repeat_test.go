package register

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
)

// An update that comes again, because its answer was lost, has the same answer, the new token and a
// secret that was made for it included, and the client goes on with them (RG-09, RFC 7592 §2.2).
func TestRepeatedUpdateHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.register(t, publicBody)
	body := update(first, `{"redirect_uris":["https://app.example/"],`+
		`"token_endpoint_auth_method":"client_secret_basic"}`)
	put := func(token, body string) (int, string) {
		w := s.send(t, http.MethodPut, "/register/"+first.ID, token, body)
		return w.Code, w.Body.String()
	}
	code, answer := put(first.Token, body)
	if code != http.StatusOK || !strings.Contains(answer, clientSecretPrefix) {
		t.Fatalf("got %d %s, want 200 with a secret", code, answer)
	}
	s.Clock.Advance(store.RepeatTime - time.Microsecond)
	code, again := put(first.Token, body)
	if code != http.StatusOK {
		t.Fatalf("again: got %d %s, want 200", code, again)
	}
	if diff := cmp.Diff(answer, again); diff != "" {
		t.Errorf("the repeat is answered otherwise (-first +again):\n%s", diff)
	}
	log := s.Lines.String()
	if strings.Count(log, `"event":"client.updated"`) != 1 || !strings.Contains(log, `"repeated":true`) {
		t.Errorf("got %s, want one update and its repeat", log)
	}
	next := decode(t, []byte(again))
	token, _ := next["registration_access_token"].(string)
	secret, _ := next["client_secret"].(string)
	got := s.client(t, first.ID)
	if got.SecretHash != credential.Hash(secret) || got.RegistrationTokenHash != credential.Hash(token) {
		t.Error("the answer's credentials are not the stored ones")
	}
	if code, answer = put(token, body); code != http.StatusOK {
		t.Errorf("the next update: got %d %s, want 200", code, answer)
	}
}

// The token that an update replaced is good for that very update alone, for seconds and until the next
// one (RFC 7592 §5).
func TestReplacedTokenIsGoodForItsOwnUpdateAlone(t *testing.T) {
	t.Parallel()
	for what, again := range map[string]func(s *server, c, next registration) (method, body string){
		"another body": func(_ *server, c, _ registration) (string, string) {
			return http.MethodPut, update(c, `{"redirect_uris":["https://evil.example/"]}`)
		},
		"a read":     func(*server, registration, registration) (string, string) { return http.MethodGet, "" },
		"a deletion": func(*server, registration, registration) (string, string) { return http.MethodDelete, "" },
		"too late": func(s *server, c, _ registration) (string, string) {
			s.Clock.Advance(store.RepeatTime)
			return http.MethodPut, update(c, publicBody)
		},
		"after the next update": func(s *server, c, next registration) (string, string) {
			s.send(t, http.MethodPut, "/register/"+c.ID, next.Token, update(c, secretBody))
			return http.MethodPut, update(c, publicBody)
		},
	} {
		s := newServer(t)
		c := s.register(t, publicBody)
		next := registered(t, s.send(t, http.MethodPut, "/register/"+c.ID, c.Token, update(c, publicBody)))
		method, body := again(s, c, next)
		before := s.client(t, c.ID)
		if w := s.send(t, method, "/register/"+c.ID, c.Token, body); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s, want 401", what, w.Code, w.Body)
		}
		if diff := cmp.Diff(before, s.client(t, c.ID)); diff != "" {
			t.Errorf("%s changed the client (-want +got):\n%s", what, diff)
		}
	}
}

// Whoever has a token that leaked, and waits for its end, does not get the next one with it (RFC 7592 §5, RG-09).
func TestUpdateIsRepeatedWhereItCameFromAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.register(t, publicBody)
	body := update(c, publicBody)
	for _, from := range []struct {
		address string
		want    int
	}{
		{"192.0.2.1:1234", http.StatusOK}, {"198.51.100.7:1234", http.StatusUnauthorized},
		{"192.0.2.1:4321", http.StatusOK}, // another connection
	} {
		if w := s.sendFrom(t, from.address, http.MethodPut, "/register/"+c.ID, c.Token, body); w.Code != from.want {
			t.Errorf("%s: got %d %s, want %d", from.address, w.Code, w.Body, from.want)
		}
	}
}

// A deletion that comes again has the same answer, with the token of any time; a stranger's has the
// stranger's (RG-09, REG-25, RFC 7592 §2.3).
func TestRepeatedDeletionHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.register(t, publicBody)
	next := registered(t, s.send(t, http.MethodPut, "/register/"+first.ID, first.Token, update(first, publicBody)))
	stranger := s.register(t, publicBody)
	for range 2 {
		if w := s.send(t, http.MethodDelete, "/register/"+first.ID, next.Token, ""); w.Code != http.StatusNoContent {
			t.Errorf("got %d %s, want 204", w.Code, w.Body)
		}
	}
	if n := strings.Count(s.Lines.String(), `"event":"client.deleted"`); n != 1 {
		t.Errorf("the client was deleted %d times, want once", n)
	}
	for _, token := range []string{stranger.Token, otherToken, "rat_", first.ID, credential.New("rat_").Reveal()} {
		if w := s.send(t, http.MethodDelete, "/register/"+first.ID, token, ""); w.Code != http.StatusUnauthorized {
			t.Errorf("a stranger's: got %d, want 401", w.Code)
		}
	}
}

// An id says nothing about its token, and the token of one is not that of another.
func TestIDIsDerivedFromTheToken(t *testing.T) {
	t.Parallel()
	token := credential.New(registrationTokenPrefix)
	id := clientID(token)
	next := newSeed().token(token)
	if len(id) != len(clientIDPrefix)+credential.HashLen || strings.Contains(token.Reveal(), id[len(clientIDPrefix):]) {
		t.Errorf("got id %q", id)
	}
	if !madeFor(id, token) || !madeFor(id, next) || !madeFor(id, newSeed().token(next)) {
		t.Error("a token does not prove whose it is")
	}
	if len(next.Reveal()) != len(newSeed().token(next).Reveal()) {
		t.Error("tokens grow with every update")
	}
	for _, s := range []string{"", "rat_", token.Reveal()[:40], "rat_" + token.Reveal(), id} {
		if madeFor(id, credential.Wrap(s)) {
			t.Errorf("%q passes for a token of the client", s)
		}
	}
}
