package front

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/terraform/gateway"
)

// named answers with the function's name.
func named(t *testing.T) http.Handler {
	t.Helper()
	m, err := gateway.Load()
	if err != nil {
		t.Fatal(err)
	}
	backends := map[string]http.Handler{}
	for _, name := range manifest.Names(manifest.HTTP) {
		backends[name] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })
	}
	h, err := New(m, backends)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Whoever cannot listen reads what to write instead: a port, where it is missing, and else another.
func TestAnAddressThatCannotBeListenedOnSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	taken, err := Listen("--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		"8085":                "want a host and a port, like 127.0.0.1:8085",
		taken.Addr().String(): "another may be free, like 127.0.0.1:0",
	} {
		l, err := Listen("--listen", address)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestRequestsReachTheFunctionThatOwnsTheRoute(t *testing.T) {
	t.Parallel()
	h := named(t)
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/register", "register"},
		{"DELETE", "/register/c_1", "register"},
		{"GET", "/authorize?x=1", "authorize"},
		{"GET", "/auth/callback", "authorize"},
		{"POST", "/token", "token"},
		{"OPTIONS", "/token", "token"},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "wellknown"},
		{"DELETE", "/mcp", "mcp"},
		{"GET", "/", "connections"},
		{"GET", "/auth/callback/x", "connections"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if got := w.Body.String(); w.Code != http.StatusOK || got != c.want {
			t.Errorf("%s %s: got %d %s, want %s", c.method, c.path, w.Code, got, c.want)
		}
	}
}

func TestWhatIsNotListedIsAnsweredAsTheGatewayDoes(t *testing.T) {
	t.Parallel()
	h := named(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "", 404}, {"POST", "/Token", 405}, {"POST", "//token", 405}, {"POST", "/auth/callback/x", 405},
		{"PATCH", "/token", 405},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, "http://host"+c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), fmt.Sprintf(`"code":%d`, c.status)) {
			t.Errorf("%s %s: got %d %s, want the gateway's own %d", c.method, c.path, w.Code, w.Body, c.status)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: has CORS headers, which the gateway does not send", c.method, c.path)
		}
	}
}

func TestAFunctionWithoutABackendIsNamed(t *testing.T) {
	t.Parallel()
	m, err := gateway.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(m, map[string]http.Handler{"token": http.NotFoundHandler()})
	if err == nil || !strings.Contains(err.Error(), "which is not there") {
		t.Errorf("got %v, want the function that is missing", err)
	}
}

// A body that nobody wants and that does not come has a deadline (HT-06). The server's connection
// tells whether one was set.
func TestARefusedBodyHasADeadline(t *testing.T) {
	t.Parallel()
	deadlines := make(chan bool, 1)
	h := named(t)
	w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), set: deadlines}
	incomplete := "POST /nope HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(incomplete)))
	if err != nil {
		t.Fatal(err)
	}
	h.ServeHTTP(w, r)
	select {
	case <-deadlines:
	default:
		t.Error("no read deadline was set")
	}
}

type deadlineWriter struct {
	*httptest.ResponseRecorder
	set chan bool
}

func (w *deadlineWriter) SetReadDeadline(time.Time) error {
	w.set <- true
	return nil
}
