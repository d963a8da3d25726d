package mcp

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

// A seen request is what reached the server behind.
type seen struct {
	method string
	header http.Header
	body   string
}

// standBehind puts a server behind the endpoint, and returns what reaches it and its URL.
// change alters how it is called.
func (f *endpoint) standBehind(
	t *testing.T, serve http.HandlerFunc, change ...func(*behind.Calling),
) (chan seen, string) {
	t.Helper()
	got := make(chan seen, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.Header, string(body)}
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/canary/mcp") // which may be a secret
	must(t, err)
	first := oauth.Resources{}.All()[0]
	calling := behind.Calling{Identity: behind.JWT}
	for _, c := range change {
		c(&calling)
	}
	f.Endpoints = []Endpoint{{Resource: first, Upstream: NewUpstream(proxy.New(u, 0), calling)}}
	f.Identity = &identity.Signer{Ring: keyfile.Static(signing.Generate()), Now: f.Clock.Now}
	return got, u.String()
}

// nameOf is what logs and metrics call the server at a URL of standBehind.
func nameOf(at string) string { return strings.TrimSuffix(at, "/canary/mcp") }

const behindAnswer = `{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`

func answerBehind(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, behindAnswer)
}

func nothingReached(t *testing.T, got chan seen) {
	t.Helper()
	select {
	case r := <-got:
		t.Errorf("%s %s reached the server behind", r.method, r.body)
	default:
	}
}

// The server behind gets a token that is for it alone and says who calls, never the
// caller's own, and the message as it was sent (MP-17).
func TestTheServerBehindIsToldWhoCalls(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, at := f.standBehind(t, answerBehind)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	w := mustCode(t, h, request(t.Context(), conn.token, listTools,
		"Content-Type", `Application/JSON; charset="UTF8"; x=y`), http.StatusOK)
	if w.Body.String() != behindAnswer || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %s, %v; want the server's answer with our headers", w.Body, w.Header())
	}
	r := <-got
	if r.body != listTools || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s, %v; want the message as it was sent, and plain JSON", r.body, r.header)
	}
	raw := strings.TrimPrefix(r.header.Get("Authorization"), "Bearer ")
	ring, err := f.Identity.Ring.Get(t.Context())
	must(t, err)
	payload, err := ring.Public().Verify(identity.Type, raw)
	if err != nil || raw == conn.token {
		t.Fatalf("got %s, %v; want an identity token", raw, err)
	}
	var claims map[string]any
	must(t, json.Unmarshal([]byte(payload), &claims))
	for _, name := range []string{"jti", "iat", "exp"} {
		delete(claims, name)
	}
	want := map[string]any{
		"iss": issuer, "aud": at, "sub": "development:octocat", "preferred_username": "octocat", "name": "OCTOCAT",
		"client_id": conn.Grant.ClientID, "scope": conn.Grant.Scopes.String(),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// Nobody reaches the server behind who would not reach a tool here.
func TestOnlyTheAdmittedReachTheServerBehind(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.RevocationMaxAge = 0
	got, _ := f.standBehind(t, answerBehind)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	mustCode(t, h, request(t.Context(), "", listTools), http.StatusUnauthorized)
	mustCode(t, h, request(t.Context(), "x", listTools), http.StatusUnauthorized)
	must(t, f.Store.RevokeGrant(t.Context(), conn.Grant.ID, "test", nil))
	mustCode(t, h, request(t.Context(), conn.token, listTools), http.StatusUnauthorized)
	nothingReached(t, got)
}

// What two readers could take for different things does not go on (MP-03), and neither does a
// method that MCP does not have.
func TestWhatIsAmbiguousDoesNotReachTheServerBehind(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for body, want := range map[string]int{
		`{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}`: http.StatusBadRequest,
		`{"jsonrpc":"2.0","id":1.5,"method":"a"}`:            http.StatusBadRequest,
		`{"jsonrpc":"1.0","id":1,"method":"a"}`:              http.StatusBadRequest,
		`[]`:                                                 http.StatusBadRequest,
		`{`:                                                  http.StatusBadRequest,
	} {
		mustCode(t, h, request(t.Context(), token, body), want)
	}
	for _, media := range []string{
		"text/plain", "application/json; charset=utf-7", "application/json; charset=utf-8; charset=utf-7",
		"application/json; charset*=us-ascii''utf-7",
	} {
		r := request(t.Context(), token, listTools, "Content-Type", media)
		mustCode(t, h, r, http.StatusUnsupportedMediaType)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodHead} {
		r := request(t.Context(), token, listTools)
		r.Method = method
		w := mustCode(t, h, r, http.StatusMethodNotAllowed)
		if got := w.Header().Get("Allow"); got != "DELETE, GET, OPTIONS, POST" {
			t.Errorf("%s: got Allow %q", method, got)
		}
	}
	nothingReached(t, got)
}

// Notifications, responses of a client, streams and the end of a session go on, without a
// body where they have none.
func TestTheWholeTransportReachesTheServerBehind(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "no streams here", http.StatusMethodNotAllowed)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for _, body := range []string{
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":"of-the-server","result":{}}`,
	} {
		mustCode(t, h, request(t.Context(), token, body), http.StatusAccepted)
		if r := <-got; r.body != body {
			t.Errorf("got %s, want %s", r.body, body)
		}
	}
	for method, want := range map[string]int{
		http.MethodGet: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusAccepted,
	} {
		r := request(t.Context(), token, "x")
		r.Method = method
		mustCode(t, h, r, want)
		if r := <-got; r.method != method || r.body != "" {
			t.Errorf("got %+v, want %s without a body", r, method)
		}
	}
}

// Behind API Gateway a stream of its own (GET) would be held back for ever, so there is none
// (LEG-03); everything else goes on.
func TestBehindAGatewayThereIsNoStreamToWaitFor(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Edge.TrustForwardedAuthorization = true
	got, _ := f.standBehind(t, answerBehind)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	r := request(t.Context(), "", "", "X-Forwarded-Authorization", "Bearer "+token)
	r.Method = http.MethodGet
	mustCode(t, h, r, http.StatusMethodNotAllowed)
	nothingReached(t, got)
	mustCode(t, h, request(t.Context(), "", listTools, "X-Forwarded-Authorization", "Bearer "+token), http.StatusOK)
}

// A fault of the server behind is an error under the request's id, and a line that says where
// and why (MP-20).
func TestAFaultOfTheServerBehindIsAnErrorUnderTheID(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Log = f.Lines.Logger()
	f.Edge.Log = f.Log
	_, at := f.standBehind(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "canary")
	})
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	call := strings.Replace(whoAmI, `"id":1`, `"id":"x"`, 1)
	w := mustCode(t, h, request(t.Context(), token, call), http.StatusBadGateway)
	a := answerOf(t, w.Body)
	if string(a.ID) != `"x"` || a.Error == nil || a.Error.Code != -32603 || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("got %+v, %v; want a JSON-RPC error under the id", a, w.Header())
	}
	line := f.Lines.String()
	for _, want := range []string{
		`"upstream":"` + nameOf(at) + `"`, `"outcome":"fault"`, `"mcp_method":"tools/call"`,
		"did not answer in JSON-RPC",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("log: got %s, want %s in it", line, want)
		}
	}
	if strings.Contains(line, "canary") || strings.Contains(line, token) {
		t.Errorf("log: got %s, want nothing of the answer, no path of the server and no token", line)
	}
}

// Who calls is told or nothing is (SC-09).
func TestWithoutItsRingNothingReachesTheServerBehind(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind)
	f.Identity = &identity.Signer{Ring: keyfile.New(filepath.Join(t.TempDir(), "none"), signing.ParseRing, nil)}
	w := mustCode(t, f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, listTools),
		http.StatusServiceUnavailable)
	if w.Header().Get("Retry-After") == "" {
		t.Errorf("got %v, want Retry-After", w.Header())
	}
	nothingReached(t, got)
}

// A stream of the server behind ends soon after the grant does, and the server knows (MP-12).
func TestAStreamOfTheServerBehindEndsWithTheGrant(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.RevocationMaxAge = 0
	began, ended := make(chan bool), make(chan bool)
	f.standBehind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		close(began)
		<-r.Context().Done()
		close(ended)
	})
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	r := request(t.Context(), conn.token, "")
	r.Method = http.MethodGet
	answered := make(chan bool)
	go func() {
		do(h, r)
		close(answered)
	}()
	<-began
	must(t, f.Store.RevokeGrant(t.Context(), conn.Grant.ID, "test", nil))
	<-ended // the test's own limit is the alarm
	<-answered
}

// A server behind needs the ring that tells it who calls, https or this machine, and an
// endpoint without parts of its own.
func TestASettingSaysWhichServerIsBehind(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, ring, want string }{
		{"https://wiki.example.com/mcp", "/none/identity", ""},
		{"http://127.0.0.1:9000/mcp", "/none/identity", ""},
		{"https://wiki.example.com/mcp", "", "MCP_UPSTREAM_URL is set without IDENTITY_KEYS_FILE"},
		{"http://wiki.example.com/mcp", "/none/identity", "MCP_UPSTREAM_URL"},
		{"https://user:canary@wiki.example.com/mcp", "/none/identity", "MCP_UPSTREAM_URL"},
		{"https://wiki.example.com/mcp?key=1", "/none/identity", "MCP_UPSTREAM_URL"},
	}
	for _, tt := range tests {
		env := &boot.Env{Lookup: settings(map[string]string{"MCP_UPSTREAM_URL": tt.url, "IDENTITY_KEYS_FILE": tt.ring})}
		_, err := boot.Open(t.Context(), "mcp", build, env)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s, ring %q: got %v, want %q", tt.url, tt.ring, err, tt.want)
		}
	}
	f := newEndpoint(t)
	f.standBehind(t, answerBehind)
	f.serve()
	if _, err := New(f.Config); err == nil {
		t.Error("parts and a server behind: got no error, want one")
	}
	f.Describe, f.Identity = nil, nil
	if _, err := New(f.Config); err == nil {
		t.Error("a server behind and no ring: got no error, want one")
	}
}
