package emulate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/terraform/gateway"
)

const proofOfTests = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"

// balancedMap has two functions and the route for everything else. Timeouts are ten seconds below a deadline.
const balancedMap = `swagger: "2.0"
paths:
  /token:
    post: &token
      operationId: tokenPost
      x-google-backend: {address: "${token}", path_translation: APPEND_PATH_TO_ADDRESS, deadline: DEADLINE}
    options: {<<: *token, operationId: tokenOptions}
  /{rest=**}:
    options:
      operationId: elseOptions
      x-google-backend: {address: "${connections}", path_translation: APPEND_PATH_TO_ADDRESS, deadline: 40}
`

// newBalanced returns a load balancer before replicas of token and one function for everything else.
func newBalanced(t *testing.T, deadline string, others *function, replicas ...*instance) *httptest.Server {
	t.Helper()
	m, err := gateway.Parse([]byte(strings.ReplaceAll(balancedMap, "DEADLINE", deadline)))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	fleets := map[string]*fleet{}
	for name, live := range map[string][]*instance{"token": replicas, "connections": {others.instance()}} {
		fleets[name] = newFleet(name, "", nil, nil, log)
		fleets[name].live = live
	}
	s := httptest.NewServer(newBalancer(m, fleets, "https://auth.example.com", proofOfTests, log))
	t.Cleanup(s.Close)
	return s
}

// What a client sends as the load balancer's word is replaced; its credential, its path and the host it asked
// for stay as they are.
func TestTheLoadBalancerAddsItsProof(t *testing.T) {
	t.Parallel()
	token, others := newFunction(t, nil), newFunction(t, nil)
	s := newBalanced(t, "40", others, token.instance())
	resp, body := send(t, s, "POST", "/token?x=1;y&x=%zz", "a=b", http.Header{
		"Authorization": {"Bearer a"}, "X-Forwarded-Authorization": {"Bearer b"}, "X-Forwarded-For": {"203.0.113.9"},
		"X-Postern-Load-Balancer": {"forged 203.0.113.9", "again"},
		"Connection":              {"X-Postern-Load-Balancer, X-Hop"}, "X-Hop": {"1"},
		"Forwarded": {"host=a.example"}, "X-Forwarded-Host": {"a.example"},
	})
	if resp.StatusCode != http.StatusOK || body != "done" {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	got := token.last.Load()
	if got.uri != "/token?x=1;y&x=%zz" || "http://"+got.host != s.URL || got.body != "a=b" {
		t.Errorf("got %s at %s with %q", got.uri, got.host, got.body)
	}
	for name, want := range map[string][]string{
		"Authorization": {"Bearer a"}, "X-Forwarded-Authorization": {"Bearer b"}, "X-Hop": nil,
		"X-Forwarded-For": {"203.0.113.9, 127.0.0.1, 203.0.113.7"}, "X-Forwarded-Proto": {"https"},
		"X-Postern-Load-Balancer": {proofOfTests + " 127.0.0.1"}, "X-Envoy-Original-Path": nil,
		"Forwarded": {"host=a.example"}, "X-Forwarded-Host": {"a.example"},
	} {
		if diff := cmp.Diff(want, got.header[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(got.header.Get("Traceparent")) != 55 {
		t.Errorf("traceparent is %q", got.header.Get("Traceparent"))
	}
}

// A path alone decides: methods are the functions' to refuse, and what is like a path of ours is another one.
func TestTheLoadBalancerRoutesByPathAlone(t *testing.T) {
	t.Parallel()
	token, others := newFunction(t, nil), newFunction(t, nil)
	s := newBalanced(t, "40", others, token.instance())
	for _, c := range []struct {
		method, path string
		want         *function
	}{
		{"POST", "/token", token}, {"DELETE", "/token", token}, {"GET", "/token", token},
		{"POST", "//token", others}, {"POST", "/token/", others}, {"POST", "/%74oken", others},
		{"POST", "/x/../token", others}, {"POST", "/Token", others}, {"GET", "/", others},
	} {
		before := c.want.requests.Load()
		send(t, s, c.method, c.path, "", nil)
		got := c.want.last.Load()
		if c.want.requests.Load() != before+1 || got.uri != c.path || got.method != c.method {
			t.Errorf("%s %s went elsewhere, or as another: %+v", c.method, c.path, got)
		}
	}
}

// A target that is no path is refused here, and nothing breaks over it: no function has it.
func TestATargetWithoutAPathIsRefused(t *testing.T) {
	t.Parallel()
	token, others := newFunction(t, nil), newFunction(t, nil)
	s := newBalanced(t, "40", others, token.instance())
	for _, target := range []string{"GET *", "CONNECT a.example:443", "GET http://a.example"} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", target)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", target, err)
			continue
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || others.requests.Load()+token.requests.Load() > 0 {
			t.Errorf("%s: got %s", target, resp.Status)
		}
	}
}

// An answer is passed on as it comes, so a stream that has no end arrives.
func TestTheLoadBalancerHoldsNothingBack(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	token := newFunction(t, func(_ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, "data: last\n\n")
	})
	s := newBalanced(t, "40", newFunction(t, nil), token.instance())
	resp, err := s.Client().Post(s.URL+"/token", "", nil)
	if err != nil {
		close(release)
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	close(release)
	if err != nil || line != "data: first\n" {
		t.Errorf("got %q, %v; want the first event while the stream is open", line, err)
	}
}

// A function that refuses a body before it has come is heard while the rest of it is on its way, and the
// connection to it lives until its answer has ended.
func TestAnAnswerMayBeginBeforeTheBodyHasEnded(t *testing.T) {
	t.Parallel()
	m, err := gateway.Parse([]byte(strings.ReplaceAll(balancedMap, "DEADLINE", "40")))
	if err != nil {
		t.Fatal(err)
	}
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_ = c.EnableFullDuplex()
		w.WriteHeader(http.StatusUnauthorized)
		_ = c.Flush()
		rest, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %v", rest, err)
	}))
	defer function.Close()
	log := slog.New(slog.DiscardHandler)
	f := newFleet("token", "", nil, nil, log)
	f.live = []*instance{{address: strings.TrimPrefix(function.URL, "http://")}}
	s := httptest.NewServer(newBalancer(m, map[string]*fleet{"token": f}, "http://127.0.0.1", proofOfTests, log))
	defer s.Close()
	defer function.CloseClientConnections() // else they wait for who waits for one another
	defer s.CloseClientConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	body, more := io.Pipe()
	defer more.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/token", body)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		_, _ = io.WriteString(more, "first ")
		<-answered
		_, _ = io.WriteString(more, "last")
		_ = more.Close()
	}()
	resp, err := s.Client().Do(r)
	close(answered)
	if err != nil {
		t.Fatalf("no answer before the end of the body: %v", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || string(got) != "first last <nil>" {
		t.Errorf("got %d %q, %v", resp.StatusCode, got, err)
	}
}

// A request is done once: who is not answered reads the platform's own page, and asks again if they like.
func TestTheLoadBalancerAsksOnce(t *testing.T) {
	t.Parallel()
	breaks := func(_ int64, w http.ResponseWriter, _ *http.Request) { reset(w) }
	for _, c := range []struct {
		claim, deadline, body string
		answer                func(int64, http.ResponseWriter, *http.Request)
		want                  int
		requests              int64
	}{
		{"a broken connection", "40", "a=b", breaks, 502, 1},
		{"an answer that takes too long", "10.2", "a=b", func(_ int64, _ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, 504, 1},
		{"an answer that is too large", "40", "a=b", func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "33554433")
			_, _ = io.WriteString(w, "a")
		}, 502, 1},
		{"a body that is too large", "40", strings.Repeat("a", maxBody+1), nil, 413, 0},
	} {
		token := newFunction(t, c.answer)
		s := newBalanced(t, c.deadline, newFunction(t, nil), token.instance())
		resp, body := send(t, s, "POST", "/token", c.body, nil)
		if resp.StatusCode != c.want || token.requests.Load() != c.requests || !strings.HasPrefix(body, "<html>") {
			t.Errorf("%s: got %d %s after %d requests, want %d after %d",
				c.claim, resp.StatusCode, body, token.requests.Load(), c.want, c.requests)
		}
	}
}

func TestTheLoadBalancerPassesDeadReplicasOver(t *testing.T) {
	t.Parallel()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	token := newFunction(t, nil)
	s := newBalanced(t, "40", newFunction(t, nil), &instance{address: address}, token.instance())
	for range 4 {
		resp, body := send(t, s, "POST", "/token", "a=b", nil)
		if resp.StatusCode != http.StatusOK || token.last.Load().body != "a=b" {
			t.Errorf("got %d %s, the function got %q", resp.StatusCode, body, token.last.Load().body)
		}
	}
}

func TestAFrontIsOneOfTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		front string
		drop  int
		want  string
	}{
		{"nginx", 0, `--front is "nginx": want api-gateway or load-balancer`},
		{LoadBalancer, 5, "--drop-every"},
	} {
		err := Run(t.Context(), Config{Front: c.front, Replicas: 1, DropEvery: c.drop})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.front, err, c.want)
		}
	}
}
