package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// stoodBehind are the servers of these tests by their names, each with what starts it.
var stoodBehind = map[string]string{"python": "FastMCP", "typescript": "TypeScript SDK"}

// listOf is the setting that puts each server at a path of its own.
func listOf(t *testing.T, addresses map[string]string) string {
	t.Helper()
	type entry struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	var list []entry
	for name, address := range addresses {
		list = append(list, entry{name, urlBehind(address)})
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func addressesOf(t *testing.T) map[string]string {
	t.Helper()
	free := freeport.Addresses(t, len(stoodBehind))
	addresses := map[string]string{}
	for name := range stoodBehind {
		addresses[name], free = free[0], free[1:]
	}
	return addresses
}

// Two servers that nobody here wrote stand behind postern dev, each a resource of its own: a
// client that knows nothing but the URL of one signs in for that one, and it works as it would
// alone, with progress, a long call and its cancellation.
func TestServersOfOthersStandSideBySide(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	addresses := addressesOf(t)
	s := rig.Start(t, rig.Options{Settings: map[string]string{"MCP_UPSTREAMS": listOf(t, addresses)}})
	clients := map[string]*goClient{"/mcp": connectGo(t, s, "octocat")}
	for name, kind := range stoodBehind {
		until := behinds[kind](t, s.URL, addresses[name])
		c := worksAt(t, s, s.URL+"/mcp/"+name)
		if got := c.logins.Load(); got != 1 {
			t.Errorf("%s: got %d sign-ins, want one of its own", name, got)
		}
		c.cancels(t, until, 4) // the last one while it goes on
		clients["/mcp/"+name] = c
	}
	tokensAreForOne(t, s, clients)
}

// They do so through every process of a deployment behind its gateway, where progress comes with
// the result.
func TestServersOfOthersStandSideBySideBehindADeployment(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	addresses := addressesOf(t)
	s := rig.StartEmulated(t, 3, map[string]string{"MCP_UPSTREAMS": listOf(t, addresses)})
	clients := map[string]*goClient{"/mcp": connectGo(t, s, "octocat")}
	for name, kind := range stoodBehind {
		until := behinds[kind](t, s.URL, addresses[name])
		c := worksAt(t, s, s.URL+"/mcp/"+name)
		c.cancels(t, until, 3) // of what goes on nothing has come through
		clients["/mcp/"+name] = c
	}
	tokensAreForOne(t, s, clients)
}

// tokensAreForOne shows each token to each resource: it is good at its own alone (AT-01), and the
// others say where to sign in for them.
func tokensAreForOne(t *testing.T, s *rig.Server, clients map[string]*goClient) {
	t.Helper()
	for of, c := range clients {
		source, err := c.tokens.TokenSource(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, err := source.Token()
		if err != nil {
			t.Fatal(err)
		}
		for path := range clients {
			want := http.StatusUnauthorized
			if path == of {
				want = http.StatusOK
			}
			status, challenge := show(t, s, path, token.AccessToken)
			if status != want {
				t.Errorf("the token for %s at %s: got %d, want %d", of, path, status, want)
			}
			metadata := fmt.Sprintf("resource_metadata=%q", s.URL+"/.well-known/oauth-protected-resource"+path)
			if path != of && (!strings.Contains(challenge, "invalid_token") || !strings.Contains(challenge, metadata)) {
				t.Errorf("the token for %s at %s: got challenge %s, want %s", of, path, challenge, metadata)
			}
		}
	}
}

// show begins a session with a token.
func show(t *testing.T, s *rig.Server, path, token string) (status int, challenge string) {
	t.Helper()
	const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",` +
		`"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(initialize))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Transport: s.Transport(), Timeout: rig.Patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("WWW-Authenticate")
}
