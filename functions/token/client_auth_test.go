package token

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

// A client presents its secret in every way, and only the registered way counts (TE-03,
// TE-10, TOK-02, TOK-03, TOK-04, F7, W6).
func TestOnlyTheRegisteredMethodCounts(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for _, id := range []string{publicID, basicID, postID} {
		for method, form := range map[string][]string{
			publicID: {"client_id", id}, basicID: {"Authorization", basic(id, secretOf(id))},
			postID: {"client_id", id, "client_secret", secretOf(id)},
		} {
			code := f.issue(t, id, "", nil)
			grant := []string{"grant_type", "authorization_code", "code", code, "code_verifier", verifier}
			w := f.post(t, oauth.TokenPath, slices.Concat(form, grant)...)
			if status := map[bool]int{true: 200, false: 401}[id == method]; w.Code != status {
				t.Errorf("%s as %s: got %d, want %d", id, method, w.Code, status)
			}
			challenged := w.Header().Get("WWW-Authenticate") != "" // TOK-06
			if want := len(form) == 2 && form[0] == "Authorization" && id != method; challenged != want {
				t.Errorf("%s as %s: challenge %q", id, method, w.Header().Get("WWW-Authenticate"))
			}
			want(t, "afterwards", f.redeem(t, id, code), map[bool]int{true: 400, false: 200}[id == method],
				map[bool]string{true: "invalid_grant"}[id == method])
		}
	}
}

// A client that the operator made sends its secret in the header or in the body, or as the operator said
// (TE-03).
func TestOperatorsClientAuthenticatesByHeaderOrBody(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	header := func(id string) []string { return []string{"Authorization", basic(id, secretOf(id))} }
	body := func(id string) []string { return []string{"client_id", id, "client_secret", secretOf(id)} }
	for _, c := range []struct {
		id, said string
		by       func(id string) []string
		status   int
		code     string
	}{
		{"c_free", "", header, 400, "invalid_grant"},
		{"c_free", "", body, 400, "invalid_grant"},
		{"c_header", oauth.AuthMethodBasic, header, 400, "invalid_grant"},
		{"c_header", oauth.AuthMethodBasic, body, 401, "invalid_client"},
		{"c_body", oauth.AuthMethodPost, header, 401, "invalid_client"},
		{"c_body", oauth.AuthMethodPost, body, 400, "invalid_grant"},
	} {
		if _, err := f.Store.Client(t.Context(), c.id); err != nil {
			f.registerOperators(t, c.id, c.said)
		}
		form := append(c.by(c.id), "grant_type", "refresh_token", "refresh_token", "rt_x")
		want(t, c.id+" by "+form[0], f.post(t, oauth.TokenPath, form...), c.status, c.code)
		want(t, c.id+" without a secret", f.refresh(t, c.id, "rt_x"), 401, "invalid_client")
		guess := []string{"Authorization", basic(c.id, "x"), "grant_type", "refresh_token", "refresh_token", "rt_x"}
		want(t, c.id+" with a wrong secret", f.post(t, oauth.TokenPath, guess...), 401, "invalid_client")
	}
}

// registerOperators registers a client as the operator does; the empty method says nothing.
func (f *endpoint) registerOperators(tb testing.TB, id, method string) {
	tb.Helper()
	_, err := f.Store.RegisterClient(tb.Context(), store.Client{
		ID: id, Operator: true, AuthMethodSaid: method != "", SecretHash: credential.Hash(secretOf(id)),
		Metadata: oauth.ClientMetadata{
			TokenEndpointAuthMethod: cmp.Or(method, oauth.AuthMethodBasic), GrantTypes: oauth.SupportedGrantTypes(),
			RedirectURIs: []string{redirectURI},
		},
	})
	must(tb, err)
}

// Basic alone is enough, both halves are form-decoded, header and body agree, and what is malformed is
// refused, never a fault (TE-04, TOK-05, F8, F9).
func TestBasic(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	good := basic(basicID, secretOf(basicID))
	for what, c := range map[string]struct {
		form   []string
		status int
		code   string
	}{
		"alone":           {[]string{"Authorization", good}, 400, "invalid_grant"},
		"lower case":      {[]string{"Authorization", "basic" + good[5:]}, 400, "invalid_grant"},
		"with its id":     {[]string{"Authorization", good, "client_id", basicID}, 400, "invalid_grant"},
		"with another id": {[]string{"Authorization", good, "client_id", postID}, 400, "invalid_request"},
		"with a secret": {[]string{"Authorization", good, "client_secret", secretOf(basicID)}, 400,
			"invalid_request"},
		"with an assertion": {[]string{"Authorization", good, "client_assertion", "x"}, 400, "invalid_request"},
		"not base64":        {[]string{"Authorization", "Basic ***"}, 401, "invalid_client"},
		"no colon":          {[]string{"Authorization", "Basic YWJj"}, 401, "invalid_client"},
		"bad escape":        {[]string{"Authorization", "Basic JXp6Ong="}, 401, "invalid_client"}, // %zz:x
		"empty":             {[]string{"Authorization", "Basic Og=="}, 401, "invalid_client"},
		"empty secret":      {[]string{"Authorization", basic(basicID, "")}, 401, "invalid_client"},
		"wrong secret":      {[]string{"Authorization", basic(basicID, "x")}, 401, "invalid_client"},
		// A public client names itself in the body (W6).
		"public, no secret":  {[]string{"Authorization", basic(publicID, "")}, 401, "invalid_client"},
		"no credentials":     {[]string{"Authorization", "Basic"}, 401, "invalid_client"},
		"a bearer token":     {[]string{"Authorization", "Bearer x"}, 401, "invalid_client"},
		"an assertion alone": {[]string{"client_id", basicID, "client_assertion", "x"}, 401, "invalid_client"},
		"too long": {[]string{"Authorization", "Basic " + strings.Repeat("YWJj", 2000)}, 401,
			"invalid_client"},
	} {
		w := f.post(t, oauth.TokenPath, append(c.form, "grant_type", "refresh_token", "refresh_token", "rt_x")...)
		want(t, what, w, c.status, c.code)
		if c.status == 401 && c.form[0] == "Authorization" &&
			!strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: got challenge %q, want Basic", what, w.Header().Get("WWW-Authenticate"))
		}
	}
}

// Guessing is slowed down for the guesser, and the owner gets in all the same, from the same address
// (TE-05, AV-05).
func TestGuessingDoesNotLockTheOwnerOut(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	codes := map[int]int{}
	for i := range 30 {
		w := f.refresh(t, publicID, "rt_x", "client_id", "x") // repeated: refused before anything is looked up
		want(t, "repeated", w, 400, "invalid_request")
		w = f.post(t, oauth.TokenPath, "grant_type", "refresh_token", "refresh_token", "rt_x", "client_id", postID,
			"client_secret", fmt.Sprint("guess", i))
		codes[w.Code]++
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
	if codes[http.StatusUnauthorized] < 20 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("got %v, want 401 twenty times and then 429", codes)
	}
	f.connect(t, postID)
	known := want(t, "known", f.post(t, oauth.TokenPath, "client_id", basicID, "client_secret", "x"), 401,
		"invalid_client")
	unknown := want(t, "unknown", f.post(t, oauth.TokenPath, "client_id", "c_nobody", "client_secret", "x"), 401,
		"invalid_client")
	if known.Description != unknown.Description {
		t.Errorf("got %q for a known and %q for an unknown client, want one sentence", known.Description,
			unknown.Description)
	}
}

// A client_id that is nobody's may be a secret in the wrong place, so only a client that was looked up
// and found is named (LG-01).
func TestOnlyARegisteredClientIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for _, path := range []string{oauth.TokenPath, oauth.RevokePath, oauth.IntrospectPath} {
		f.post(t, path, "client_id", "gho_canary", "token", "x")
		f.post(t, path, "client_id", "gho_canary", "client_secret", "canary", "token", "x")
		f.post(t, path, "Authorization", basic("gho_canary", "canary"), "token", "x")
	}
	if log := f.Lines.String(); strings.Contains(log, "canary") || strings.Count(log, `"client_id":"unknown"`) != 9 {
		t.Errorf("unknown clients: got %s, want 9 lines of an unknown client", log)
	}
	f.post(t, oauth.TokenPath, "client_id", postID, "client_secret", "guess", "grant_type", "refresh_token",
		"refresh_token", "rt_x")
	if log := f.Lines.String(); strings.Count(log, `"client_id":"`+postID+`"`) != 2 { // the event and the request
		t.Errorf("a registered client: got %s, want its id", log)
	}
	f.Faults.Before(fixture.Down(memory.OpGet))
	f.post(t, oauth.TokenPath, "client_id", "gho_canary", "grant_type", "refresh_token", "refresh_token", "rt_x")
	if log := f.Lines.String(); strings.Contains(log, "canary") || strings.Count(log, `"client_id":"unknown"`) != 9 {
		t.Errorf("store down: got %s, want no client named", log)
	}
}
