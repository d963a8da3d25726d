package token

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// A sending is one attempt at a redemption as the function gets it.
type sending struct {
	trace, address, credential string // of the headers and the connection
	form                       url.Values
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// redemption is a right request for a code of a client.
func redemption(clientID, code string) sending {
	s := sending{trace: traceparent, address: "192.0.2.7:4000", form: url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
	}}
	proof := credentials(clientID)
	for i := 0; i < len(proof); i += 2 {
		if proof[i] == "Authorization" {
			s.credential = proof[i+1]
			continue
		}
		s.form.Set(proof[i], proof[i+1])
	}
	return s
}

func (f *endpoint) attempt(tb testing.TB, s sending) *httptest.ResponseRecorder {
	tb.Helper()
	body := strings.NewReader(s.form.Encode())
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, oauth.TokenPath, body)
	r.RemoteAddr = s.address
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range map[string]string{"Traceparent": s.trace, "Authorization": s.credential} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// A gateway that lost the answer sends the request again, and the client gets working tokens of one
// grant, whatever it authenticates by (I5).
func TestRedemptionThatThePlatformRepeatsIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	for _, id := range []string{publicID, basicID, postID} {
		f := open(t, nil)
		s := redemption(id, f.issue(t, id, "", nil))
		first := want(t, "first", f.attempt(t, s), 200, "")
		f.Clock.Advance(store.RepeatTime - time.Microsecond)
		again := want(t, "again", f.attempt(t, s), 200, "")
		if again.RefreshToken != first.RefreshToken || first.RefreshToken == "" {
			t.Errorf("%s: got another refresh token", id)
		}
		if !f.lives(t, first.AccessToken) || !f.lives(t, again.AccessToken) {
			t.Errorf("%s: an access token is dead", id)
		}
		if log := f.Lines.String(); strings.Count(log, `"event":"code.redeemed"`) != 1 ||
			strings.Contains(log, "code.replayed") || !strings.Contains(log, `"repeated":true`) {
			t.Errorf("%s: got %s, want one redemption and its repeat", id, log)
		}
		want(t, "its refresh token", f.refresh(t, id, again.RefreshToken), 200, "")
		want(t, "after the refresh", f.attempt(t, s), 400, "invalid_grant") // the answer had arrived
		if f.lives(t, first.AccessToken) {
			t.Errorf("%s: the grant outlives a replay", id)
		}
	}
}

// Anything that is not the same request from the same place is a replay, which ends the grant: a stolen
// code is still found out (AC-05, TOK-12, I5).
func TestOnlyTheRequestItselfIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(f *endpoint, s *sending){
		"another trace": func(_ *endpoint, s *sending) {
			s.trace = strings.Replace(s.trace, "4bf9", "4bf8", 1)
		},
		"no trace":          func(_ *endpoint, s *sending) { s.trace = "" },
		"a malformed trace": func(_ *endpoint, s *sending) { s.trace = strings.ToUpper(s.trace) },
		"another address":   func(_ *endpoint, s *sending) { s.address = "192.0.2.8:4000" },
		"another body": func(_ *endpoint, s *sending) {
			s.form.Set("redirect_uri", redirectURI)
		},
		"a parameter that means nothing": func(_ *endpoint, s *sending) { s.form.Set("extra", "1") },
		"too late":                       func(f *endpoint, _ *sending) { f.Clock.Advance(store.RepeatTime) },
	} {
		f := open(t, nil)
		s := redemption(publicID, f.issue(t, publicID, "", nil))
		a := want(t, what, f.attempt(t, s), 200, "")
		change(f, &s)
		want(t, what, f.attempt(t, s), 400, "invalid_grant")
		if f.lives(t, a.AccessToken) {
			t.Errorf("%s: the grant lives on", what)
		}
	}
	f := open(t, nil)
	s := redemption(publicID, f.issue(t, publicID, "", nil))
	s.trace = ""
	a := want(t, "without a trace", f.attempt(t, s), 200, "")
	if want(t, "without a trace, again", f.attempt(t, s), 400, "invalid_grant"); f.lives(t, a.AccessToken) {
		t.Error("without a trace: the grant lives on")
	}
}

// A repeat is nothing without the right client and verifier, and what is wrong ends nothing (AC-06).
func TestRepeatNeedsClientAndVerifier(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	s := redemption(basicID, f.issue(t, basicID, "", nil))
	a := want(t, "first", f.attempt(t, s), 200, "")
	wrong := s
	wrong.credential = basic(basicID, "cs_wrong")
	want(t, "wrong secret", f.attempt(t, wrong), 401, "invalid_client")
	wrong = redemption(otherID, s.form.Get("code"))
	want(t, "another client", f.attempt(t, wrong), 400, "invalid_grant")
	wrong = redemption(basicID, s.form.Get("code"))
	wrong.form.Set("code_verifier", challenge)
	want(t, "wrong verifier", f.attempt(t, wrong), 400, "invalid_grant")
	if !f.lives(t, a.AccessToken) {
		t.Error("a wrong repeat ended the grant")
	}
	want(t, "right", f.attempt(t, s), 200, "")
}

// Two runs of one request at the same time make one grant, and both answers work (AC-04, I6).
func TestParallelRunsOfOneRedemptionShareOneGrant(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	s := redemption(publicID, f.issue(t, publicID, "", nil))
	replies := make(chan reply, 16)
	var wg sync.WaitGroup
	for range cap(replies) {
		wg.Go(func() { replies <- want(t, "run", f.attempt(t, s), 200, "") })
	}
	wg.Wait()
	close(replies)
	tokens := map[string]bool{}
	for r := range replies {
		if tokens[r.RefreshToken] = true; r.AccessToken == "" || !f.lives(t, r.AccessToken) {
			t.Error("an answer does not work")
		}
	}
	if len(tokens) != 1 {
		t.Errorf("got %d refresh tokens, want one", len(tokens))
	}
}
