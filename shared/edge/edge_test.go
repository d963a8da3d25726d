package edge_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/telemetry"
)

// ok is an endpoint of three routes.
func ok() *edge.Mux {
	m := edge.NewMux()
	write := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, s+r.PathValue("client_id"))
		})
	}
	m.Handle("POST", "/token", write("token"))
	m.Handle("GET", "/.well-known/x", write("x"))
	m.Handle("GET", "/register/{client_id}", write("get "))
	m.Handle("PUT", "/register/{client_id}", write("put "))
	m.Handle("POST", "/register", write("register"))
	return m
}

// The raw path is one of ours or 404; nothing is cleaned and nobody redirected (HT-05, MD-04).
func TestOnlyTheExactPathIsServed(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"//token", "/token/", "/token//", "/./token", "/a/../token", "/%74oken", "/Token", "/token;a=b", "/token%3f",
		"/token%2f", "/",
		"/.well-known/x/", "/.well-known/./x", "/register/", "/register/a/b", "/register/%61", "/register/a%2fb",
		"/register/..", "/register/.",
		"/register/a;b", "/register//", "//evil.example/token", "/register/a+b", "/x?/token",
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			w := serve(ok(), edge.Options{Deployment: deployment(t)}, method, p, "")
			if w.Code != http.StatusNotFound || w.Header().Get("Location") != "" {
				t.Errorf("%s %s: got %d, Location %q; want 404", method, p, w.Code, w.Header().Get("Location"))
			}
			if code, _, _ := errorOf(t, w); code != "invalid_request" ||
				w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s %s: got %q without JSON or CORS", method, p, code)
			}
		}
	}
	w := serve(ok(), edge.Options{Deployment: deployment(t)}, "GET", "/register/Ab-._~9", "")
	if w.Body.String() != "get Ab-._~9" {
		t.Errorf("got %q", w.Body)
	}
	w = serve(ok(), edge.Options{Deployment: deployment(t)}, "POST", "/token?x=/y", "")
	if w.Body.String() != "token" {
		t.Errorf("got %q", w.Body)
	}
}

// Another method is 405 with Allow, and no header overrides it (HT-02, HT-08).
func TestOtherMethodsAreRefusedWithAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/token", "OPTIONS, POST"}, {"TRACE", "/token", "OPTIONS, POST"}, {"PUT", "/token", "OPTIONS, POST"},
		{"HEAD", "/token", "OPTIONS, POST"},
		{"FROB", "/token", "OPTIONS, POST"}, {"post", "/token", "OPTIONS, POST"},
		{"POST", "/.well-known/x", "GET, HEAD, OPTIONS"},
		{"POST", "/register/a", "GET, HEAD, OPTIONS, PUT"},
	} {
		w := serve(ok(), edge.Options{Deployment: deployment(t)}, c.method, c.path, "", "X-HTTP-Method-Override: POST",
			"X-HTTP-Method: POST", "X-Method-Override: POST")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != c.allow ||
			w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: got %d, Allow %q; want 405, %q, CORS", c.method, c.path, w.Code, w.Header().Get("Allow"),
				c.allow)
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	get := serve(ok(), edge.Options{Deployment: deployment(t)}, "GET", "/.well-known/x", "")
	head := serve(ok(), edge.Options{Deployment: deployment(t)}, "HEAD", "/.well-known/x", "")
	if head.Code != get.Code || head.Body.Len() != 0 || get.Body.String() != "x" ||
		head.Header().Get("Cache-Control") != get.Header().Get("Cache-Control") {
		t.Errorf("got %d %q, want %d and no body", head.Code, head.Body, get.Code)
	}
}

func TestARouteIsTakenOnce(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a route was taken twice")
		}
	}()
	ok().Handle("POST", "/token", http.NotFoundHandler())
}

// Preflights need no credential, and every answer, errors too, can be read (L1 to L4, CHL-13).
func TestBrowserClientsMayCallAndSeeErrors(t *testing.T) {
	t.Parallel()
	w := serve(ok(), edge.Options{Deployment: deployment(t)}, "OPTIONS", "/token", "", "Origin: https://app.example",
		"Access-Control-Request-Method: POST")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "OPTIONS, POST",
		"Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, " +
			"MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if w.Code != http.StatusNoContent {
		t.Errorf("got %d", w.Code)
	}
	for claim, w := range map[string]*httptest.ResponseRecorder{
		"an answer": serve(ok(), edge.Options{Deployment: deployment(t)}, "POST", "/token", ""),
		"a 404":     serve(ok(), edge.Options{Deployment: deployment(t)}, "GET", "/nothing", ""),
		"a 415": serve(ok(), edge.Options{Deployment: deployment(t)}, "POST", "/token", "x",
			"Content-Encoding: gzip"),
		"a panic": serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }),
			edge.Options{Deployment: deployment(t)}, "GET", "/", ""),
		"no issuer":   serve(ok(), edge.Options{}, "GET", "/.well-known/x", ""),
		"a preflight": w,
	} {
		h := w.Header()
		exposed := h.Get("Access-Control-Expose-Headers")
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" ||
			!strings.Contains(exposed, "WWW-Authenticate") || !strings.Contains(exposed, "Mcp-Session-Id") {
			t.Errorf("%s: got %v", claim, h)
		}
	}
}

// A preflight says what the path has, and lets a page send the headers that mirror arguments of tools, whose
// names nobody can list (L1, MOD-11).
func TestAPreflightListsWhatItAllows(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/token": "OPTIONS, POST", "/.well-known/x": "GET, HEAD, OPTIONS", "/register/a": "GET, HEAD, OPTIONS, PUT",
	} {
		h := serve(ok(), edge.Options{Deployment: deployment(t)}, "OPTIONS", path, "").Header()
		if got := h.Get("Access-Control-Allow-Methods"); got != want || h.Get("Allow") != want {
			t.Errorf("%s: got %q, Allow %q; want %q", path, got, h.Get("Allow"), want)
		}
	}
	for asked, want := range map[string]string{
		"":                                      ", Last-Event-ID",
		"authorization,mcp-param-region":        ", Last-Event-ID, mcp-param-region",
		"Mcp-Param-Region, mcp-param-a_b":       ", Last-Event-ID, mcp-param-region, mcp-param-a_b",
		"x-other,mcp-param":                     ", Last-Event-ID",
		"mcp-param-a b":                         ", Last-Event-ID",
		"mcp-param-" + strings.Repeat("x", 200): ", Last-Event-ID",
	} {
		names := "Access-Control-Request-Headers: " + asked
		h := serve(ok(), edge.Options{Deployment: deployment(t)}, "OPTIONS", "/token", "", names).Header()
		if got := h.Get("Access-Control-Allow-Headers"); !strings.HasSuffix(got, want) {
			t.Errorf("%q: got %q, want it to end in %q", asked, got, want)
		}
	}
	many := serve(ok(), edge.Options{Deployment: deployment(t)}, "OPTIONS", "/token", "",
		"Access-Control-Request-Headers: "+strings.Repeat("mcp-param-xxxxxxxxxx,", 2000)).Header()
	if n := len(many.Get("Access-Control-Allow-Headers")); n > 8<<10 {
		t.Errorf("two thousand headers: got %d bytes back", n)
	}
}

// No other origin reads a page (RFC 9700 §2.6, GEN-13).
func TestPagesHaveNoCORS(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"OPTIONS", "/token"}, {"POST", "/token"}, {"GET", "/nothing"}} {
		w := serve(ok(), edge.Options{Deployment: deployment(t), Answers: pages.Answers}, c[0], c[1], "",
			"Origin: https://app.example")
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%v: got %s", c, name)
			}
		}
	}
}

// What decides comes once or not at all (HT-03).
func TestARepeatedHeaderThatDecidesIsRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []string{
		"Content-Type", "Origin", "Sec-Fetch-Site", "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID",
		"Authorization",
	} {
		w := serve(ok(), edge.Options{Deployment: deployment(t)}, "POST", "/token", "", n+": a", n+": a")
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s twice: got %d, want 400", n, w.Code)
		}
	}
	many := strings.Repeat("a=b; ", 64) + "a=b"
	w := serve(ok(), edge.Options{Deployment: deployment(t)}, "POST", "/token", "", "Cookie: "+many)
	if w.Code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("65 cookies: got %d, want 431", w.Code)
	}
}

// Two lengths, or a target on another host, are refused, here through a real server (HT-04).
func TestATargetOfAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(edge.Wrap(ok(), edge.Options{Deployment: deployment(t)}))
	defer s.Close()
	for target, want := range map[string]int{
		"POST http://evil.example/token":     400,
		"POST http://auth.example.com/token": 200,
		"POST /token":                        200,
		"POST //token":                       404,
		"CONNECT evil.example:443":           400,
	} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: auth.example.com\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
			target)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		resp.Body.Close()
		c.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", target, resp.StatusCode, want)
		}
	}
}

// Which header holds the credential is a setting, and the other one is not looked at (AT-12, N1).
func TestExactlyOneCredentialHeaderIsRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim   string
		trust   bool
		headers []string
		want    string
		status  int
	}{
		{"own header", false, []string{"Authorization: Bearer own"}, "Bearer own", 200},
		{"a forwarded one is ignored without a gateway", false, []string{"X-Forwarded-Authorization: Bearer forged"},
			"", 200},
		{"both, without a gateway", false,
			[]string{"Authorization: Bearer own", "X-Forwarded-Authorization: Bearer forged"}, "Bearer own", 200},
		{"both, behind a gateway", true,
			[]string{"Authorization: Bearer gateway", "X-Forwarded-Authorization: Bearer client"},
			"Bearer client", 200},
		{"the gateway's own is nobody's", true, []string{"Authorization: Bearer gateway"}, "", 200},
		{"another platform header", true, []string{"X-Serverless-Authorization: Bearer x"}, "", 200},
		{"two of the one read", false, []string{"Authorization: Bearer a", "Authorization: Bearer b"}, "", 400},
		{"two of the one read, behind a gateway", true,
			[]string{"X-Forwarded-Authorization: a", "X-Forwarded-Authorization: b"}, "", 400},
		{"two of the other", true, []string{"Authorization: a", "Authorization: b", "X-Forwarded-Authorization: c"},
			"c", 200},
	} {
		got, rest := "", 0
		e := deployment(t)
		e.TrustForwardedAuthorization = c.trust
		w := serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = strings.Join(r.Header.Values("Authorization"), "|")
			rest = len(r.Header.Values("X-Forwarded-Authorization")) +
				len(r.Header.Values("X-Serverless-Authorization"))
		}), edge.Options{Deployment: e}, "GET", "/", "", c.headers...)
		if got != c.want || rest != 0 || w.Code != c.status {
			t.Errorf("%s: got %q, %d left, %d; want %q, 0, %d", c.claim, got, rest, w.Code, c.want, c.status)
		}
	}
}

// Entries that a caller adds on the left of X-Forwarded-For change nothing (HT-01).
func TestTheClientAddressIsCountedFromTheRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hops    int
		headers []string
		want    string
	}{
		{0, []string{"X-Forwarded-For: 203.0.113.9"}, "192.0.2.1"},
		{1, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
		{2, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
		{2, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9,10.0.0.1"}, "203.0.113.9"},
		{1, []string{"X-Forwarded-For: 203.0.113.9:4711"}, "203.0.113.9"},
		{1, []string{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1"},
		{1, []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, "203.0.113.9"},
		{1, []string{"X-Forwarded-For: junk"}, "192.0.2.1"},
		{3, []string{"X-Forwarded-For: 203.0.113.9"}, "192.0.2.1"},
		{1, nil, "192.0.2.1"},
	} {
		e := deployment(t)
		e.ForwardedForHops = c.hops
		var got netip.Addr
		serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = edge.ClientAddress(r) }),
			edge.Options{Deployment: e}, "GET", "/", "", c.headers...)
		if got.String() != c.want {
			t.Errorf("%d of %v: got %s, want %s", c.hops, c.headers, got, c.want)
		}
	}
}

func TestALimitCountsALineNotItsAddresses(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, a := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "192.0.2.7"} {
		e := deployment(t)
		e.ForwardedForHops = 1
		serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { keys[edge.ClientKey(r)] = true }),
			edge.Options{Deployment: e}, "GET", "/", "", "X-Forwarded-For: "+a)
	}
	if len(keys) != 2 || !keys["2001:db8:1:2::/64"] || !keys["192.0.2.7"] {
		t.Errorf("got %v", keys)
	}
}

// A body over its limit, or encoded, is refused (HT-06, HT-11).
func TestBodiesAreReadWithinTheirLimit(t *testing.T) {
	t.Parallel()
	var got string
	var readErr error
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		got, readErr = string(b), err
	})
	o := edge.Options{Deployment: deployment(t), MaxBody: 8}
	if w := serve(h, o, "POST", "/", "12345678"); w.Code != 200 || got != "12345678" || readErr != nil {
		t.Errorf("got %d, %q, %v", w.Code, got, readErr)
	}
	if w := serve(h, o, "POST", "/", "123456789"); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: got %d", w.Code)
	}
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("12345"), strings.NewReader("6789")))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	if edge.Wrap(routes(h), o).ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too long, in chunks: got %d", w.Code)
	}
	r = httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("123"), failing{}))
	w = httptest.NewRecorder()
	if edge.Wrap(routes(h), o).ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("cut short: got %d", w.Code)
	}
	for _, e := range []string{"gzip", "GZIP", "br", "identity, gzip"} {
		if w := serve(h, o, "POST", "/", "x", "Content-Encoding: "+e); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: got %d, want 415", e, w.Code)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A panic is 500 with a fixed text (HT-09).
func TestAPanicIsOneAnswerAndOneErrorLine(t *testing.T) {
	t.Parallel()
	var log logBuffer
	e := deployment(t)
	e.Log = log.logger()
	w := serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("canary") }),
		edge.Options{Deployment: e, Endpoint: "token"}, "POST", "/token", "")
	code, description, id := errorOf(t, w)
	if w.Code != 500 || code != "server_error" || strings.Contains(w.Body.String(), "canary") ||
		id != w.Header().Get("X-Request-Id") {
		t.Errorf("got %d %s %s", w.Code, code, description)
	}
	lines := log.lines(t)
	if len(lines) != 1 || lines[0]["severity"] != "ERROR" ||
		!strings.Contains(fmt.Sprint(lines[0]["stack_trace"]), "edge_test.go") {
		t.Errorf("got %v", lines)
	}
}

func TestAPanicAfterTheAnswerBeganBreaksTheConnection(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(edge.Wrap(edge.Everything(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		panic("late")
	})), edge.Options{Deployment: deployment(t)}))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks whole")
	}
}

// One line, without the query (LG-01, LG-02).
func TestARequestIsOneLineWithoutItsQuery(t *testing.T) {
	t.Parallel()
	var log logBuffer
	e := deployment(t)
	e.Log = log.logger()
	mux := edge.NewMux()
	mux.Handle(http.MethodPost, "/token", edge.JSONErrors(func(_ http.ResponseWriter, r *http.Request) error {
		telemetry.Add(r.Context(), slog.String("client_id", "abc"))
		return oauth.RefuseBecause(errors.New("the reason"), oauth.InvalidGrant, "code is unknown")
	}))
	w := serve(mux, edge.Options{Deployment: e, Endpoint: "token"}, "POST", "/token?code=canary", "canary",
		"Authorization: Basic canary", "Cookie: a=canary",
		"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	lines := log.lines(t)
	if len(lines) != 1 {
		t.Fatalf("got %d lines", len(lines))
	}
	for k, want := range map[string]any{
		"severity": "INFO", "endpoint": "token", "method": "POST", "path": "/token", "status": 400.0,
		"outcome": "refused", "error": "invalid_grant",
		"client_id": "abc", "cause": "invalid_grant: code is unknown: the reason",
		"request_id":                   w.Header().Get("X-Request-Id"),
		"logging.googleapis.com/trace": "projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736",
	} {
		if lines[0][k] != want {
			t.Errorf("%s: got %v, want %v", k, lines[0][k], want)
		}
	}
	if s := fmt.Sprint(lines); strings.Contains(s, "canary") {
		t.Errorf("the line holds a secret: %s", s)
	}
}

func TestEveryAnswerForbidsStoringAndGuessing(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"/.well-known/x", "/nothing"} {
		w := serve(ok(), edge.Options{Deployment: deployment(t)}, "GET", p, "")
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" ||
			len(w.Header().Get("X-Request-Id")) != 16 {
			t.Errorf("%s: got %v", p, w.Header())
		}
	}
}

func TestAStreamPassesTheEdge(t *testing.T) {
	t.Parallel()
	w := serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); !ok {
			t.Error("the writer cannot flush")
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), edge.Options{Deployment: deployment(t)}, "GET", "/", "")
	if !w.Flushed {
		t.Error("nothing was flushed")
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("6.6.6.6, 203.0.113.9", 1)
	f.Add("[::1]:1,fe80::1%eth0", 2)
	f.Add(",,,", 3)
	f.Fuzz(func(t *testing.T, spoofed string, n int) {
		hops := 1 + (n&0xf)%4
		e := deployment(t)
		e.ForwardedForHops = hops
		h := edge.Wrap(edge.Everything(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := edge.ClientAddress(r); got != netip.MustParseAddr("203.0.113.9") {
				t.Errorf("%q, %d hops: got %s", spoofed, hops, got)
			}
		})), edge.Options{Deployment: e})
		r := httptest.NewRequest("GET", "/", nil)
		// Whatever a client sends, the proxies append what they saw.
		r.Header["X-Forwarded-For"] = []string{spoofed + ", 203.0.113.9" + strings.Repeat(", 10.0.0.1", hops-1)}
		h.ServeHTTP(httptest.NewRecorder(), r)
	})
}

// A deadlined writer notes the read deadlines that a handler sets.
type deadlined struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// The net/http server reads the rest of a body before it sends an answer, so a caller who never sends it would
// hold a refused request open for ever (HT-06).
func TestARefusedBodyMayNotTakeForEver(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, target, header, value string }{
		{"another host", "http://evil.example/token", "", ""},
		{"encoded", "/token", "Content-Encoding", "gzip"},
		{"too large", "/token", "Content-Length", "20000"},
		{"two credentials", "/token", "Authorization", "Bearer a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, tt.target, strings.NewReader("a=b"))
			r.Header.Add("Authorization", "Bearer b")
			if tt.header != "" {
				r.Header.Add(tt.header, tt.value)
			}
			if tt.header == "Content-Length" {
				r.ContentLength = 20000
			}
			w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
			reached := false
			h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
			edge.Wrap(routes(h), edge.Options{Deployment: deployment(t)}).ServeHTTP(w, r)
			if reached || w.Code < 400 {
				t.Fatalf("status = %d, handler reached: %t, want a refusal", w.Code, reached)
			}
			if len(w.set) == 0 || w.set[len(w.set)-1].IsZero() {
				t.Errorf("read deadlines = %v, want one that stays", w.set)
			}
		})
	}
}

// The server watches an idle connection for the caller leaving; a deadline on it would
// end the request.
func TestOnlyABodyHasADeadline(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	edge.Wrap(routes(h), edge.Options{Deployment: deployment(t)}).ServeHTTP(w,
		httptest.NewRequest(http.MethodGet, "/mcp", nil))
	if len(w.set) != 0 {
		t.Errorf("read deadlines without a body = %v, want none", w.set)
	}
	edge.Wrap(routes(h), edge.Options{Deployment: deployment(t)}).ServeHTTP(w,
		httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader("x")))
	if n := len(w.set); n == 0 || !w.set[n-1].IsZero() {
		t.Errorf("read deadlines after a whole body = %v, want the last one lifted", w.set)
	}
}

// A page of another name is not a page of ours (MD-01, MP-01), whatever address that name
// was pointed at. The development sign-in would let it be anybody.
func TestALoopbackServerAnswersToLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		issuer, host string
		trust        bool
		want         int
	}{
		{"http://127.0.0.1:8085", "127.0.0.1:8085", false, 200},
		{"http://127.0.0.1:8085", "localhost:9000", false, 200}, // a replica, a forwarded port
		{"http://127.0.0.1:8085", "[::1]:8085", false, 200},
		{"http://127.0.0.1:8085", "evil.example:8085", false, 421},
		{"http://127.0.0.1:8085", "127.0.0.1.evil.example", false, 421},
		{"http://127.0.0.1:8085", "127.0.0.1:8085@evil.example", false, 421},
		{"http://127.0.0.1:8085", "", false, 421},
		{"https://localhost:8085", "evil.example:8085", false, 200}, // TLS knows the name
		{"http://127.0.0.1:8085", "token-abc.a.run.app", true, 200}, // a gateway rewrote it
		{"https://auth.example.com", "token-abc.a.run.app", false, 200},
	}
	for _, tt := range tests {
		t.Run(tt.issuer+" "+tt.host, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/.well-known/x", nil)
			r.Host = tt.host
			w := httptest.NewRecorder()
			behind := edge.Deployment{Issuer: issuer(t, tt.issuer), TrustForwardedAuthorization: tt.trust}
			edge.Wrap(ok(), edge.Options{Deployment: behind}).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status = %d, want %d", w.Code, tt.want)
			}
		})
	}
}
