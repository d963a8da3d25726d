package test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// startForgetful starts a deployment whose gateway loses the first answer to every request and sends
// each once more, to another process: everything is done twice.
func startForgetful(t *testing.T, more map[string]string) *rig.Server {
	t.Helper()
	settings := map[string]string{"ACCESS_TOKEN_TTL": "2s", "LOG_LEVEL": "debug"}
	maps.Copy(settings, more)
	return rig.StartEmulated(t, 2, settings, "--drop-every", "1")
}

// wantRefreshed calls the tool until two refreshes were done for this client, one after the other.
func wantRefreshed(t *testing.T, s *rig.Server, whoami func() (string, error)) {
	t.Helper()
	before := strings.Count(s.LogText(), `"event":"token.refreshed"`)
	eventually(t, "two refreshes", func() error {
		login, err := whoami()
		if err != nil {
			t.Fatalf("whoami: %v", err)
		}
		if login != "octocat" {
			t.Fatalf("got login %q, want octocat", login)
		}
		if got := strings.Count(s.LogText(), `"event":"token.refreshed"`) - before; got < 4 { // each twice
			return fmt.Errorf("got %d runs of refreshes, want 4", got)
		}
		return nil
	})
}

// A gateway that loses every first answer costs nobody a sign-in: codes, callbacks and refresh tokens
// that come again are answered again, and no grant ends (I5, UP-04, B2).
func TestClientsSignInAndRefreshWhileEveryAnswerIsLostOnce(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := startForgetful(t, nil)
	t.Run("Go SDK", func(t *testing.T) { goSignsInAndRefreshes(t, s) })
	for kind := range tsKinds {
		t.Run(kind, func(t *testing.T) {
			c := startTS(t, s, kind)
			c.connect("octocat")
			wantRefreshed(t, s, c.whoami)
			if c.logins != 1 {
				t.Errorf("got %d sign-ins, want 1", c.logins)
			}
		})
	}
	wantRepeatsAndNoReplay(t, s)
}

// GitHub's code is used up when the callback comes again, and the browser gets its redirect all the
// same (UP-04).
func TestGoClientSignsInThroughGitHubWhileEveryAnswerIsLostOnce(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := startForgetful(t, rig.StartGitHub(t).Settings("user:octocat"))
	goSignsInAndRefreshes(t, s)
	wantRepeatsAndNoReplay(t, s)
}

func goSignsInAndRefreshes(t *testing.T, s *rig.Server) {
	t.Helper()
	c := connectGo(t, s, "octocat")
	wantRefreshed(t, s, func() (string, error) {
		who, err := c.whoami(t.Context())
		if err != nil {
			return "", err
		}
		return who.Login, nil
	})
	if got := c.logins.Load(); got != 1 {
		t.Errorf("got %d sign-ins, want 1", got)
	}
}

// wantRepeatsAndNoReplay reads in the log that requests came again and that nobody was blamed for it.
func wantRepeatsAndNoReplay(t *testing.T, s *rig.Server) {
	t.Helper()
	log := s.LogText()
	for _, event := range []string{"code.replayed", "refresh.reused", "grant.revoked", "client.auth_failed"} {
		if strings.Contains(log, `"event":"`+event+`"`) {
			t.Errorf("got %s, though nobody did anything wrong", event)
		}
	}
	if !strings.Contains(log, `"repeated":true`) {
		t.Error("no request came again, so this test shows nothing")
	}
}

// A client that changes its registration, and deletes it, gets through as well (RG-09, REG-25).
func TestRegistrationChangesWhileEveryAnswerIsLostOnce(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := startForgetful(t, nil)
	send := func(method, url, token, body string) (int, map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := s.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer := map[string]any{}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil && err != io.EOF {
			t.Fatalf("%s: %v", method, err)
		}
		return resp.StatusCode, answer
	}
	text := func(answer map[string]any, name string) string { v, _ := answer[name].(string); return v }

	metadata := `{"redirect_uris":["https://app.example/callback"],"token_endpoint_auth_method":"none"}`
	status, c := send("POST", s.URL+"/register", "", metadata)
	if status != http.StatusCreated {
		t.Fatalf("register: got %d %v", status, c)
	}
	own := text(c, "registration_client_uri")
	for _, name := range []string{"One", "Two"} {
		body := fmt.Sprintf(`{"client_id":%q,"client_name":%q,"redirect_uris":["https://app.example/callback"]}`,
			text(c, "client_id"), name)
		status, c = send("PUT", own, text(c, "registration_access_token"), body)
		if status != http.StatusOK || text(c, "client_name") != name {
			t.Fatalf("update to %s: got %d %v", name, status, c)
		}
	}
	token := text(c, "registration_access_token")
	if status, c = send("GET", own, token, ""); status != http.StatusOK || text(c, "client_name") != "Two" {
		t.Errorf("read: got %d %v", status, c)
	}
	if status, c = send("DELETE", own, token, ""); status != http.StatusNoContent {
		t.Errorf("delete: got %d %v", status, c)
	}
	if status, _ = send("GET", own, token, ""); status != http.StatusUnauthorized {
		t.Errorf("read after the deletion: got %d, want 401", status)
	}
}
