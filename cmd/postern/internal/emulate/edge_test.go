package emulate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/terraform/gateway"
)

// pathMap has one short route and one with an awkward path.
const pathMap = `swagger: "2.0"
paths:
  /token:
    post: &token
      operationId: tokenPost
      x-google-backend: {address: "${token}", path_translation: APPEND_PATH_TO_ADDRESS, deadline: DEADLINE}
    get: {<<: *token, operationId: tokenGet}
    options: {<<: *token, operationId: tokenOptions}
  /register/{client_id}:
    get: {<<: *token, operationId: clientGet}
    options: {<<: *token, operationId: clientOptions}
`

// A seen is what a function was asked.
type seen struct {
	method, host, uri, body string
	header                  http.Header
}

// A function is a server that counts and remembers.
type function struct {
	*httptest.Server
	requests atomic.Int64
	last     atomic.Pointer[seen]
}

// newFunction answers by h, or with 200 and its own CORS header.
func newFunction(t *testing.T, h func(n int64, w http.ResponseWriter, r *http.Request)) *function {
	t.Helper()
	f := &function{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.last.Store(&seen{r.Method, r.Host, r.RequestURI, string(body), r.Header.Clone()})
		n := f.requests.Add(1)
		if h != nil {
			h(n, w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *function) instance() *instance {
	return &instance{address: strings.TrimPrefix(f.URL, "http://")}
}

// reset breaks the connection without an answer.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// newGateway returns a gateway over replicas of one function.
func newGateway(t *testing.T, deadline string, dropEvery int, replicas ...*instance) (*httptest.Server, *fleet) {
	t.Helper()
	m, err := gateway.Parse([]byte(strings.ReplaceAll(pathMap, "DEADLINE", deadline)))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	f := newFleet("token", "", nil, nil, log)
	f.live = replicas
	c := edgeConfig{origin: "https://auth.example.com", dropEvery: dropEvery, log: log}
	h, err := newEdge(m, map[string]*fleet{"token": f}, c)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, f
}

// send sends a request through a gateway and returns the answer with its body read.
func send(t *testing.T, s *httptest.Server, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	resp, err := s.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

// The rule of google-cloud 1.3: the gateway's token is in Authorization, the client's
// in X-Forwarded-Authorization, and what the client sent there survives only if it
// sent no Authorization.
func TestTheClientsCredentialMoves(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	s, _ := newGateway(t, "40", 0, f.instance())
	for _, c := range []struct {
		name          string
		authorization []string
		forwarded     []string
		want          []string
	}{
		{"none", nil, nil, nil},
		{"bearer", []string{"Bearer a"}, nil, []string{"Bearer a"}},
		{"forged", nil, []string{"Bearer b"}, []string{"Bearer b"}},
		{"both", []string{"Bearer a"}, []string{"Bearer b"}, []string{"Bearer a"}},
		{"two", []string{"Bearer a", "Basic c"}, nil, []string{"Bearer a,Basic c"}},
	} {
		h := http.Header{}
		for _, v := range c.authorization {
			h.Add("Authorization", v)
		}
		for _, v := range c.forwarded {
			h.Add("X-Forwarded-Authorization", v)
		}
		send(t, s, "POST", "/token", "a=b", h)
		got := f.last.Load().header
		if diff := cmp.Diff(c.want, got["X-Forwarded-Authorization"]); diff != "" {
			t.Errorf("%s: X-Forwarded-Authorization (-want +got):\n%s", c.name, diff)
		}
		claims := googleClaims(t, got.Get("Authorization"))
		if claims["iss"] != "https://accounts.google.com" || claims["aud"] != "https://"+f.last.Load().host {
			t.Errorf("%s: Authorization holds %v", c.name, claims)
		}
	}
}

func googleClaims(t *testing.T, authorization string) map[string]any {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(authorization, "Bearer "), ".")
	if len(parts) != 3 {
		t.Fatalf("Authorization is %q, want a JWT", authorization)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// Google-cloud 1.4: another Host, the addresses appended, the path as it came.
func TestAFunctionSeesWhatItWouldSeeDeployed(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	s, _ := newGateway(t, "40", 0, f.instance())
	send(t, s, "GET", "/register/a%2Fb%20c?x=1&x=2", "", http.Header{
		"X-Forwarded-For": {"203.0.113.9"}, "X-Google-Secret": {"x"},
		"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Cookie": {"a=b"},
		// A load balancer in front, which the gateway knows nothing of (HT-01).
		"X-Postern-Load-Balancer": {"proof 203.0.113.9"},
	})
	got := f.last.Load()
	if got.uri != "/register/a%2Fb%20c?x=1&x=2" || got.host != "token-000000000000.europe-west1.run.app" {
		t.Errorf("got %s at %s", got.uri, got.host)
	}
	for name, want := range map[string]string{
		"X-Forwarded-For": "203.0.113.9, 127.0.0.1, 192.0.2.1", "X-Forwarded-Proto": "https",
		"X-Envoy-Original-Path": "/register/a%2Fb%20c?x=1&x=2", "X-Google-Secret": "", "X-Hop": "", "Cookie": "a=b",
		"X-Postern-Load-Balancer": "proof 203.0.113.9",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
	if len(got.header.Get("Traceparent")) != 55 {
		t.Errorf("traceparent is %q", got.header.Get("Traceparent"))
	}
}

func TestTheGatewayRefusesInItsOwnWords(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	s, _ := newGateway(t, "40", 0, f.instance())
	for _, c := range []struct {
		method, path string
		header       http.Header
		want         int
	}{
		{"GET", "/nothing", nil, 404},
		{"DELETE", "/token", nil, 405},
		{"GET", "/token", http.Header{"X_y": {"1"}}, 400},
	} {
		resp, body := send(t, s, c.method, c.path, "", c.header)
		if resp.StatusCode != c.want || !strings.HasPrefix(body, `{"code":`) {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, resp.StatusCode, body, c.want)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s %s: the gateway has no CORS and no challenge, got %v", c.method, c.path, resp.Header)
		}
	}
	resp, _ := send(t, s, "POST", "/token", string(bytes.Repeat([]byte("x"), maxBody+1)), nil)
	if resp.StatusCode != 413 {
		t.Errorf("a body over the limit: got %d", resp.StatusCode)
	}
	if n := f.requests.Load(); n != 0 {
		t.Errorf("%d refused requests reached the function", n)
	}
}

func TestAnAnswerAfterTheDeadlineIs504(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFunction(t, func(_ int64, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200) // the deadline is for the whole answer
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	s, _ := newGateway(t, "0.2", 0, f.instance())
	resp, body := send(t, s, "POST", "/token", "", nil)
	close(release)
	if resp.StatusCode != 504 || !strings.Contains(body, `"code":504`) {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

// Google-cloud 1.6: one more try after a reset, with the whole body.
func TestABrokenConnectionRepeatsTheRequestOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		failures int64
		want     int
		requests int64
	}{{"once", 1, 200, 2}, {"always", 100, 503, 2}} {
		f := newFunction(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
			if n <= c.failures {
				reset(w)
			}
		})
		s, _ := newGateway(t, "40", 0, f.instance())
		resp, body := send(t, s, "POST", "/token", "code=x", nil)
		if resp.StatusCode != c.want || f.requests.Load() != c.requests || f.last.Load().body != "code=x" {
			t.Errorf("%s: got %d %s after %d requests, the last with %q",
				c.name, resp.StatusCode, body, f.requests.Load(), f.last.Load().body)
		}
	}
}

func TestADroppedAnswerDoesTheRequestTwice(t *testing.T) {
	t.Parallel()
	f := newFunction(t, func(n int64, w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(n) })
	s, _ := newGateway(t, "40", 2, f.instance())
	var got []string
	for range 3 {
		_, body := send(t, s, "POST", "/token", "", nil)
		got = append(got, strings.TrimSpace(body))
	}
	if diff := cmp.Diff([]string{"1", "3", "4"}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// The identity of a request is the platform's, one for all attempts and another for each request.
func TestAttemptsShareOneTrace(t *testing.T) {
	t.Parallel()
	var seen []string
	f := newFunction(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Traceparent"))
	})
	s, _ := newGateway(t, "40", 1, f.instance())
	const sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, h := range []http.Header{nil, nil, {"Traceparent": {sent}}} {
		send(t, s, "POST", "/token", "", h)
	}
	if len(seen) != 6 || seen[0] != seen[1] || seen[2] != seen[3] || seen[0] == seen[2] || len(seen[0]) != 55 {
		t.Errorf("got traces %q, want pairs that differ", seen)
	}
	if seen[4] != sent || seen[5] != sent {
		t.Errorf("got traces %q, want the caller's", seen[4:])
	}
}

func TestABrokenAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	f := newFunction(t, func(_ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
	})
	s, _ := newGateway(t, "40", 0, f.instance())
	resp, err := s.Client().Post(s.URL+"/token", "text/plain", nil)
	if err == nil {
		resp.Body.Close()
		t.Errorf("got %s, want a broken connection", resp.Status)
	}
	if n := f.requests.Load(); n != 1 {
		t.Errorf("the function was asked %d times", n)
	}
}

func TestReplicasTakeTurns(t *testing.T) {
	t.Parallel()
	a, b, c := newFunction(t, nil), newFunction(t, nil), newFunction(t, nil)
	s, _ := newGateway(t, "40", 0, a.instance(), b.instance(), c.instance())
	for range 6 {
		send(t, s, "GET", "/token", "", nil)
	}
	for _, f := range []*function{a, b, c} {
		if n := f.requests.Load(); n != 2 {
			t.Errorf("a replica got %d of 6 requests, want 2", n)
		}
	}
}

func TestDeadReplicasArePassedOver(t *testing.T) {
	t.Parallel()
	var replicas []*instance
	for range 3 { // more than one repetition could hide
		address, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, &instance{address: address})
	}
	f := newFunction(t, nil)
	s, _ := newGateway(t, "40", 0, append(replicas, f.instance())...)
	for range 4 {
		if resp, body := send(t, s, "POST", "/token", "", nil); resp.StatusCode != 200 {
			t.Errorf("got %d %s", resp.StatusCode, body)
		}
	}
}

func TestARequestWaitsForAColdStart(t *testing.T) {
	t.Parallel()
	f := newFunction(t, nil)
	s, replicas := newGateway(t, "40", 0)
	timer := time.AfterFunc(50*time.Millisecond, func() { replicas.add(f.instance()) })
	defer timer.Stop()
	if resp, body := send(t, s, "POST", "/token", "", nil); resp.StatusCode != 200 {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}
