package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	call     = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}`
	answered = `{"jsonrpc":"2.0","id":7,"result":{}}`
)

// stand starts a server and returns a front that has the proxy before it, with errs for
// what Serve returns.
func stand(t *testing.T, wait time.Duration, server http.HandlerFunc) (front *httptest.Server, errs chan error) {
	t.Helper()
	behind := httptest.NewServer(server)
	t.Cleanup(behind.Close)
	return before(t, behind.URL+"/its/mcp", wait)
}

func before(t *testing.T, address string, wait time.Duration) (front *httptest.Server, errs chan error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := New(u, wait)
	errs = make(chan error, 10)
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cache-Control", "no-store")
		c := Call{Header: http.Header{"Authorization": {"Bearer ours"}}}
		if len(body) > 0 {
			c.IDs = [][]byte{[]byte("7")}
		}
		err := p.Serve(w, r, c)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
		errs <- err
	}))
	t.Cleanup(front.Close)
	return front, errs
}

// ask sends a call through the front.
func ask(t *testing.T, front *httptest.Server, method, body string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, front.URL+"/mcp?at=client", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func answering(status int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if media != "" {
			w.Header().Set("Content-Type", media)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Of what a client sends, the list goes on and nothing else: not its token, no cookie, and
// none of the names under which somebody tells who calls (MP-18).
func TestOnlyListedHeadersGoOn(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	front, errs := stand(t, 0, func(w http.ResponseWriter, r *http.Request) {
		got <- r
		answering(http.StatusOK, "application/json", answered)(w, r)
	})
	header := http.Header{
		"Authorization": {"Bearer client"}, "Cookie": {"a=b"}, "Origin": {"https://page.example"},
		"X-Forwarded-Authorization": {"Bearer x"}, "X-Serverless-Authorization": {"Bearer x"},
		"Proxy-Authorization": {"Basic x"}, "X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-User": {"root"},
		"X-Auth-Request-User": {"root"}, "X-Forwarded-Email": {"root@example.com"}, "X-Remote-User": {"root"},
		"Idempotency-Key": {"1"}, "Accept-Encoding": {"gzip"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Te": {"trailers"}, "Mcp-Other": {"x"}, "Last-Event-Id": {"e-1"}, "Mcp-Session-Id": {"s-1"},

		"Accept": {"application/json, text/event-stream"}, "Content-Type": {"application/json"},
		"Mcp-Protocol-Version": {"2025-06-18"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"echo"},
		"Mcp-Param-Region": {"eu"},
		"Traceparent":      {"00-1-2-01"}, "Tracestate": {"a=b"}, "User-Agent": {"client/1"},
	}
	if res := ask(t, front, http.MethodPost, call, header); res.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", res.StatusCode, <-errs)
	}
	r := <-got
	want := http.Header{"Authorization": {"Bearer ours"}, "Content-Length": {fmt.Sprint(len(call))}}
	for _, name := range append([]string{"Mcp-Param-Region"}, requestHeaders...) {
		want[name] = header[name]
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if r.RequestURI != "/its/mcp" {
		t.Errorf("got %s, want the path of the server and nothing of the client's", r.RequestURI)
	}
}

// A server sets no cookie, policy, CORS or challenge in our name, neither in its answer nor
// before it or after it (MP-19).
func TestOnlyListedHeadersComeBack(t *testing.T) {
	t.Parallel()
	hostile := http.Header{
		"Set-Cookie": {"a=b"}, "Access-Control-Allow-Origin": {"https://evil.example"},
		"Access-Control-Allow-Credentials": {"true"}, "Www-Authenticate": {"Bearer resource_metadata=x"},
		"Content-Security-Policy": {"default-src *"}, "Cache-Control": {"public, max-age=9999"},
		"Strict-Transport-Security": {"max-age=0"}, "Clear-Site-Data": {"*"}, "Location": {"https://evil.example"},
		"Link": {"</x>; rel=preload"}, "Refresh": {"0"}, "Server": {"evil"}, "X-Request-Id": {"x"},
		"Retry-After": {"1", "2"},
	}
	front, _ := stand(t, 0, func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), hostile)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Late")
		w.Header().Set("Mcp-Session-Id", "s-2")
		answering(http.StatusOK, "application/json", answered)(w, r)
		w.Header().Set("X-Late", "1")
	})
	res := ask(t, front, http.MethodPost, call, nil)
	body := text(t, res)
	res.Header.Del("Date")
	res.Header.Del("Content-Length")
	want := http.Header{
		"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"no-store"},
		"Content-Type": {"application/json"}, "Mcp-Session-Id": {"s-2"},
	}
	if diff := cmp.Diff(want, res.Header); diff != "" || body != answered || len(res.Trailer) > 0 {
		t.Errorf("got %s, trailers %v; headers (-want +got):\n%s", body, res.Trailer, diff)
	}
}

// Whatever is not an answer to the call in JSON-RPC is a fault that says so, and none of it
// reaches the client (MP-20).
func TestAnswersThatAreNoneAreFaults(t *testing.T) {
	t.Parallel()
	const isJSON = "application/json"
	tests := map[string]http.HandlerFunc{
		"a page":               answering(200, "text/html", "<script>canary</script>"),
		"a page that says 500": answering(500, "text/html", "<script>canary</script>"),
		"plain text":           answering(200, "text/plain", "canary"),
		"nothing":              answering(200, isJSON, ""),
		"nothing, 202":         answering(202, "", ""),
		"JSON that is not RPC": answering(200, isJSON, `{"canary":1}`),
		"not JSON":             answering(200, isJSON, `{"canary"`),
		"another id":           answering(200, isJSON, `{"jsonrpc":"2.0","id":8,"result":"canary"}`),
		"the id as a string":   answering(200, isJSON, `{"jsonrpc":"2.0","id":"7","result":"canary"}`),
		"no id":                answering(200, isJSON, `{"jsonrpc":"2.0","result":"canary"}`),
		"a request":            answering(200, isJSON, `{"jsonrpc":"2.0","id":7,"method":"canary"}`),
		"result and error":     answering(200, isJSON, `{"jsonrpc":"2.0","id":7,"result":"canary","error":{}}`),
		"two responses":        answering(200, isJSON, "["+answered+","+answered+"]"),
		"its own 401":          answering(401, isJSON, `"canary"`),
		"its own 403":          answering(403, isJSON, `"canary"`),
		"its own 407":          answering(407, isJSON, `"canary"`),
		"an error of a stream": answering(503, "text/event-stream", "data: canary\n\n"),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/else" {
				panic("followed")
			}
			http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
		},
		"an encoding": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			answering(200, "text/event-stream", "canary")(w, r)
		},
		"less than its length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			answering(200, isJSON, answered)(w, r)
		},
		"more than its length": func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 5\r\n\r\n%s", isJSON, answered)
		},
		"too much": func(w http.ResponseWriter, r *http.Request) {
			answering(200, isJSON, `{"jsonrpc":"2.0","id":7,"result":"`+strings.Repeat("x", maxAnswer)+`"}`)(w, r)
		},
		"another protocol": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		},
		"a hang-up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, server := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			front, errs := stand(t, 0, server)
			upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
			body := text(t, ask(t, front, http.MethodPost, call, upgrade))
			mustFault(t, <-errs, http.StatusBadGateway)
			if body != "" {
				t.Errorf("got %q, want nothing of it", body)
			}
		})
	}
}

func mustFault(t *testing.T, err error, status int) {
	t.Helper()
	f, ok := errors.AsType[*Fault](err)
	if !ok || f.Status != status || strings.Contains(f.Text, "canary") {
		t.Errorf("got %v, want a fault with %d", err, status)
	}
}

// A server that is not there is 502, one that takes too long 504 (MP-20).
func TestServersThatDoNotAnswerAreFaults(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	front, errs := before(t, gone.URL+"/mcp", 0)
	ask(t, front, http.MethodPost, call, nil)
	mustFault(t, <-errs, http.StatusBadGateway)

	for name, server := range map[string]http.HandlerFunc{
		"no header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			answering(200, "application/json", `{"jsonrpc"`)(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			front, errs := stand(t, 50*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadAll(r.Body) // so that the connection is watched
				server(w, r)
			})
			ask(t, front, http.MethodPost, call, nil)
			mustFault(t, <-errs, http.StatusGatewayTimeout)
		})
	}
}

// What a client has to understand stays as it is: a lost session, no streams here, a
// notification that was taken, the end of a session, an error in JSON-RPC. A page keeps
// its status and loses its body.
func TestRefusalsKeepTheirStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, body string
		status       int
		media, text  string
		fault        bool
	}{
		{"POST", call, 404, "text/plain; charset=utf-8", "session not found", false},
		{"POST", call, 404, "application/json", `{"jsonrpc":"2.0","id":"server-error","error":{}}`, false},
		{"POST", call, 400, "", "", false},
		{"POST", call, 500, "application/json", `{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":""}}`, false},
		{"GET", "", 405, "", "", false},
		{"GET", "", 404, "text/html", "<pre>Cannot GET</pre>", true},
		{"POST", call, 404, "application/json", "{", true},
		{"DELETE", "", 204, "", "", false},
		{"DELETE", "", 200, "", "", false},
	}
	for _, tt := range tests {
		front, errs := stand(t, 0, answering(tt.status, tt.media, tt.text))
		res := ask(t, front, tt.method, tt.body, nil)
		got := text(t, res)
		if err := <-errs; tt.fault {
			mustFault(t, err, tt.status)
		} else if err != nil || res.StatusCode != tt.status || got != tt.text {
			t.Errorf("%s, %d %s: got %d %q, %v", tt.method, tt.status, tt.text, res.StatusCode, got, err)
		}
	}
}

// A notification needs no response, whatever the server says to it.
func TestANotificationNeedsNoResponse(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent} {
		res := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
		if _, err := check(res, nil); err != nil {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

// The responses to a batch may come in any order, an id written in any way, and each once.
func TestResponsesAreMatchedByTheirIDs(t *testing.T) {
	t.Parallel()
	ids := [][]byte{[]byte(`"a"`), []byte("1")}
	one := func(id string) string { return `{"jsonrpc":"2.0","id":` + id + `,"result":1}` }
	for body, want := range map[string]bool{
		"[" + one("1") + "," + one(`"\u0061"`) + "]": true,
		"[" + one(`"a"`) + "," + one("1") + "]":      true,
		"[" + one("1") + "," + one("1") + "]":        false,
		"[" + one("1") + "]":                         false,
		"[" + one("1") + "," + one(`"1"`) + "]":      false,
		"[" + one("1") + "," + one(`"a"`) + ",null]": false,
	} {
		if err := answersTo([]byte(body), ids); (err == nil) != want {
			t.Errorf("%s: got %v, want good: %t", body, err, want)
		}
	}
}

// A call whose connection breaks is not sent again, on a connection that was used before
// either: it may have been done (MP-16).
func TestACallIsSentOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	front, errs := stand(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		answering(http.StatusOK, "application/json", answered)(w, r)
	})
	header := http.Header{"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"}}
	text(t, ask(t, front, http.MethodPost, call, header))
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	ask(t, front, http.MethodPost, call, header)
	mustFault(t, <-errs, http.StatusBadGateway)
	if got := calls.Load(); got != 2 {
		t.Errorf("got %d calls, want 2", got)
	}
}

// Each event of a stream arrives before the next one is made, the headers before the first,
// and the server knows when the client has left.
func TestStreamsPassUnbufferedAndEndWithTheClient(t *testing.T) {
	t.Parallel()
	next, left := make(chan struct{}), make(chan struct{})
	front, _ := stand(t, 0, func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		_, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_ = http.NewResponseController(w).Flush()
		for range 2 {
			<-next
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, front.URL, strings.NewReader(call))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("X-Accel-Buffering"); got != "no" {
		t.Errorf("X-Accel-Buffering: got %q, want no", got)
	}
	lines := bufio.NewReader(res.Body)
	for range 2 {
		next <- struct{}{}
		if line, err := lines.ReadString('\n'); line != "data: 1\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		_, _ = lines.ReadString('\n')
	}
	cancel()
	<-left
}

// A pipe is a transport that answers with a stream.
type pipe struct{ body io.ReadCloser }

func (p pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: p.body, Request: r,
	}, nil
}

// How long a server may take is said of the beginning of a stream. It may go on for as long
// as it likes.
func TestAStreamMayGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from, to := io.Pipe()
		p := New(&url.URL{Scheme: "https", Host: "wiki.example.com"}, time.Second)
		p.transport = pipe{from}
		go func() {
			time.Sleep(time.Hour) // of the bubble's clock
			_, _ = io.WriteString(to, "data: late\n\n")
			to.Close()
		}()
		streaming := false
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/mcp", nil)
		err := p.Serve(w, r, Call{Streaming: func() { streaming = true }})
		if err != nil || w.Body.String() != "data: late\n\n" || !streaming {
			t.Errorf("got %q, %v, told of it: %t", w.Body, err, streaming)
		}
	})
}
