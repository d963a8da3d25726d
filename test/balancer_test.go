package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// Straight behind a load balancer, three processes of every function and a server behind: a client signs in, calls,
// and hears of what the server says by itself, on a stream that API Gateway would not let through (LEG-03). The
// operator's check finds nothing wrong.
func TestALoadBalancerStraightBeforeTheFunctions(t *testing.T) {
	rig.Slow(t)
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc; run it on Linux")
	}
	t.Parallel()
	addresses := freeport.Addresses(t, 2)
	goBehind(t, "http://"+addresses[1], addresses[0]) // at once: each process of a function takes a port
	s := rig.StartEmulated(t, 3, nil,
		"--front", "load-balancer", "--upstream", urlBehind(addresses[0]), "--listen", addresses[1])
	c := works(t, s)
	if got, err := c.textOf(t.Context(), "grow"); got != "grown" {
		t.Fatalf("grow: got %q, %v", got, err)
	}
	eventually(t, "word of another tool", func() error {
		if c.changes.Load() == 0 {
			return fmt.Errorf("no notice came")
		}
		return nil
	})
	oneLogin(t, s, c)
	doctorAgrees(t, s)
	t.Run("around it", func(t *testing.T) { refusedAround(t, s, c) })
	t.Run("odd requests", func(t *testing.T) { refusedThrough(t, s) })
}

// refusedAround: nothing is served to who asks a function itself, whatever they send with it (HT-10).
func refusedAround(t *testing.T, s *rig.Server, c *goClient) {
	tokens, err := c.tokens.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range manifest.Names(manifest.HTTP) {
		for _, header := range []http.Header{
			{},
			{"Authorization": {"Bearer " + token.AccessToken}},
			{"X-Forwarded-Authorization": {"Bearer " + token.AccessToken}, "X-Forwarded-For": {"203.0.113.9"}},
			{"X-Postern-Load-Balancer": {strings.Repeat("0", 52) + " 203.0.113.9"}},
		} {
			for _, path := range []string{"/", "/token", "/mcp", "/.well-known/oauth-authorization-server"} {
				url := "http://127.0.0.1:" + portOf(t, s, name) + path
				resp, body := askAs(t, http.MethodGet, url, header)
				var said struct {
					Error       string
					Description string `json:"error_description"`
				}
				err := json.Unmarshal([]byte(body), &said)
				if err != nil || resp.StatusCode != http.StatusForbidden || said.Error != "access_denied" ||
					!strings.HasSuffix(said.Description, "use "+s.URL) {
					t.Errorf("%s of %s with %v: got %d %s", path, name, header, resp.StatusCode, body)
				}
			}
		}
	}
}

// refusedThrough: what is like a path or a method of ours, and is none, reaches a function that says so, as JSON to
// a program; and a client's word about its credential counts only where a client's word belongs.
func refusedThrough(t *testing.T, s *rig.Server) {
	for _, c := range []struct {
		method, path string
		header       http.Header
		want         int
	}{
		// functions-framework sends a path that is not clean to the one that is, before a line of ours runs.
		{http.MethodPost, "//token", nil, 307},
		{http.MethodPost, "/x/../token", nil, 307},
		{http.MethodPost, "//a.example/../token", nil, 307},
		{http.MethodPost, "/mcp/../token", nil, 307},
		{http.MethodPost, "/token/", nil, 404},
		{http.MethodPost, "/%74oken", nil, 404},
		{http.MethodPost, "/%2e/token", nil, 404},
		{http.MethodPost, "/token%2f", nil, 404},
		{http.MethodPost, "/TOKEN", nil, 404},
		{http.MethodPost, "/nothing", nil, 404},
		{http.MethodPost, "/.well-known/jwks.json", nil, 405},
		{http.MethodPut, "/token", nil, 405},
		{http.MethodTrace, "/token", nil, 405},
		{"PURGE", "/introspect", nil, 405},
		{http.MethodDelete, "/introspect", nil, 405},
		{http.MethodPost, "/introspect", http.Header{"X-Forwarded-Authorization": {"Basic eDp5"}}, 400},
		{http.MethodPost, "/mcp", http.Header{"X-Forwarded-Authorization": {"Bearer x"}}, 401},
		{http.MethodPost, "/mcp", http.Header{"X-Http-Method-Override": {"GET"}, "Forwarded": {"host=a.example"}}, 401},
	} {
		resp, body := askAs(t, c.method, s.URL+c.path, c.header)
		readable := json.Valid([]byte(body))
		if resp.StatusCode == http.StatusTemporaryRedirect {
			readable = body == "" && resp.Header.Get("Location") == "/token"
		}
		if resp.StatusCode != c.want || !readable || strings.Contains(body, "a.example") {
			t.Errorf("%s %s with %v: got %s %v %s, want %d, in JSON or to the clean path",
				c.method, c.path, c.header, resp.Status, resp.Header, body, c.want)
		}
	}
}

// askAs sends a request as it is given and returns the answer.
func askAs(t *testing.T, method, url string, header http.Header) (resp *http.Response, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	resp, err = http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

// portOf returns the port of a process that serves a function.
func portOf(t *testing.T, s *rig.Server, name string) string {
	t.Helper()
	ids, err := s.Functions(name)
	if err != nil || len(ids) != 3 {
		t.Fatalf("%s: got processes %v, %v; want three", name, ids, err)
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", ids[0]))
	if err != nil {
		t.Fatal(err)
	}
	for pair := range strings.SplitSeq(string(environment), "\x00") {
		if port, ok := strings.CutPrefix(pair, "PORT="); ok {
			return port
		}
	}
	t.Fatalf("%s: no PORT in its environment", name)
	return ""
}

// doctorAgrees runs postern doctor, which finds nothing wrong.
func doctorAgrees(t *testing.T, s *rig.Server) {
	t.Helper()
	doctor := rig.Command{Name: "doctor", Path: rig.Program(t, "cmd/postern"), Args: []string{"doctor", s.URL}}
	p := rig.Launch(t, doctor)
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if said := p.Log.String(); code != 0 || !strings.Contains(said, "challenge") {
		t.Errorf("got exit code %d, want 0:\n%s", code, said)
	}
}
