package test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// A resuming client speaks to a server behind as clients of 2025-11-25 do, over the wire.
type resuming struct {
	*rig.App
	session string
}

func newResuming(t *testing.T, s *rig.Server, login string) *resuming {
	t.Helper()
	c := &resuming{App: rig.NewApp(s)}
	if err := c.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.SignIn(t.Context(), s.Browser(c.Redirect), login); err != nil {
		t.Fatal(err)
	}
	res := c.send(t, http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":`+
		`"2025-11-25","capabilities":{},"clientInfo":{"name":"resuming","version":"1"}}}`)
	if c.session = res.Header.Get("Mcp-Session-Id"); c.session == "" {
		t.Fatalf("%s: got %d and no session", login, res.StatusCode)
	}
	return c
}

// send sends a message, with an event that was seen last if there is one. What is not read of
// the answer ends with the test.
func (c *resuming) send(t *testing.T, method, body string, last ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Resource, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
		"Authorization": {"Bearer " + c.AccessToken}, "Mcp-Protocol-Version": {"2025-11-25"}, "Last-Event-Id": last,
	}
	if c.session != "" {
		r.Header.Set("Mcp-Session-Id", c.session)
	}
	res, err := c.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// A stream of a server on the TypeScript SDK, whose event store finds it by an event id alone,
// goes on where it broke off for the person whose it is, and for nobody else with a session of
// their own (MP-21).
func TestAStreamGoesOnForItsPersonAlone(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	address := freeport.Addresses(t, 1)[0]
	s := rig.Start(t, rig.Options{Settings: map[string]string{"MCP_UPSTREAM_URL": urlBehind(address)}})
	behinds["TypeScript SDK"](t, s.URL, address)
	owner, other := newResuming(t, s, "octocat"), newResuming(t, s, "hubot")

	call := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"count","_meta":{"progressToken":1}}}`
	stream, err := io.ReadAll(owner.send(t, http.MethodPost, call).Body)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(stream), "\n")
	last, ok := strings.CutPrefix(first, "id: ")
	if !ok || strings.Contains(string(stream), "event-1\n") || !strings.Contains(string(stream), "counted") {
		t.Fatalf("got %s, want the result in events with ids of ours", stream)
	}
	for _, id := range []string{last, "event-1"} { // what it is, and what the server itself would take
		if res := other.send(t, http.MethodGet, "", id); res.StatusCode != http.StatusNotFound {
			t.Errorf("another person: got %d, want 404", res.StatusCode)
		}
	}
	again := owner.send(t, http.MethodGet, "", last)
	for lines := bufio.NewScanner(again.Body); ; {
		if !lines.Scan() {
			t.Fatalf("got %d without the result: %v", again.StatusCode, lines.Err())
		}
		if strings.Contains(lines.Text(), "counted") {
			return
		}
	}
}
