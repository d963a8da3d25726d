package test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/firestoretest"
)

// A question is a request that needs the store.
type question struct {
	name, method, path string
	header             map[string]string
	body               string
}

// questions are what a client that is connected asks of every endpoint with a store.
func questions(t *testing.T, a *rig.App) []question {
	t.Helper()
	address, _, _ := a.AuthorizeURL()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	manage := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + a.ManageToken}
	metadata, err := json.Marshal(map[string]any{
		"client_id": a.ID, "redirect_uris": []string{a.Redirect}, "token_endpoint_auth_method": "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.RefreshToken}, "client_id": {a.ID}}
	code := url.Values{
		"grant_type": {"authorization_code"}, "code": {"code_" + strings.Repeat("A", 43)}, "client_id": {a.ID},
		"redirect_uri": {a.Redirect}, "code_verifier": {strings.Repeat("v", 43)},
	}
	return []question{
		{"authorize", http.MethodGet, strings.TrimPrefix(address, a.Origin), nil, ""},
		{"redeem", http.MethodPost, "/token", form, code.Encode()},
		{"refresh", http.MethodPost, "/token", form, refresh.Encode()},
		{"revoke", http.MethodPost, "/revoke", form,
			url.Values{"token": {a.RefreshToken}, "client_id": {a.ID}}.Encode()},
		{"register", http.MethodPost, "/register", manage, `{"redirect_uris":["http://127.0.0.1/cb"]}`},
		{"read registration", http.MethodGet, "/register/" + a.ID, manage, ""},
		{"change registration", http.MethodPut, "/register/" + a.ID, manage, string(metadata)},
		{"delete registration", http.MethodDelete, "/register/" + a.ID, manage, ""},
		{"mcp", http.MethodPost, "/mcp", map[string]string{
			"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
			"Authorization": "Bearer " + a.AccessToken,
		}, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{` +
			`"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`},
	}
}

// ask sends a question and returns the answer without its body.
func (q question) ask(t *testing.T, a *rig.App) *http.Response {
	r, err := http.NewRequestWithContext(t.Context(), q.method, a.Origin+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Error(err)
		return nil
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	resp, err := a.HTTP.Do(r)
	if err != nil {
		t.Errorf("%s: %v", q.name, err)
		return nil
	}
	resp.Body.Close()
	return resp
}

// Whatever Firestore answers instead of documents, no client hears that it is not
// registered, that its token is bad or that its grant is over: each is 503, and all goes on
// when Firestore does (A8).
func TestNoStatusOfFirestoreIsAVerdict(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	firestore := firestoretest.Start(t)
	for _, code := range []codes.Code{
		codes.NotFound, codes.PermissionDenied, codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded,
		codes.Aborted, codes.Unauthenticated,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			project := "p-" + strings.ToLower(code.String())
			s := rig.Start(t, rig.Options{Settings: map[string]string{
				"STORE": "firestore:" + project + "/typo", emulator.Variable: firestore.Address,
				"REVOCATION_MAX_AGE": "0s",
			}})
			a := newApp(t, s)
			if err := a.SignIn(t.Context(), s.Browser(rig.RedirectURI), "octocat"); err != nil {
				t.Fatal(err)
			}
			firestore.Fail(project, status.Error(code, "as the real one says it"))
			var asked sync.WaitGroup
			for _, q := range questions(t, a) {
				asked.Go(func() { wantFault(t, q, q.ask(t, a)) })
			}
			asked.Wait()
			firestore.Fail(project, nil)
			if err := a.Refresh(t.Context()); err != nil {
				t.Errorf("refresh after the fault: %v", err)
			}
			if login, err := a.Whoami(t.Context(), rig.Modern); err != nil || login != "octocat" {
				t.Errorf("whoami after the fault: got %q, %v, want octocat", login, err)
			}
		})
	}
}

func wantFault(t *testing.T, q question, got *http.Response) {
	if got == nil {
		return
	}
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" ||
		got.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%s: got status %d, Retry-After %q, WWW-Authenticate %q, want 503 to come again after",
			q.name, got.StatusCode, got.Header.Get("Retry-After"), got.Header.Get("WWW-Authenticate"))
	}
}
