package edge_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/edge"
)

// An untouchable body fails the test that reads it.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

// strangers refuses whoever has no credential.
func strangers(next http.Handler) http.Handler {
	return edge.BearerErrors("/meta", []string{"mcp"}, func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Authorization") == "" {
			return edge.ErrNoCredentials
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// What headers decide is decided without the body, and so is what there is no handler for (MP-11).
func TestHeadersDecideBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim, method, path, header string
		want                        int
	}{
		{"Before refuses", "POST", "/token", "", 401},
		{"nothing there", "POST", "/nothing", "Authorization: Bearer x", 404},
		{"another method", "POST", "/.well-known/x", "Authorization: Bearer x", 405},
		{"another method, no credential", "PUT", "/token", "", 405},
		{"a preflight needs no credential", "OPTIONS", "/token", "", 204},
		{"encoded", "POST", "/token", "Content-Encoding: gzip", 415},
		{"too large", "POST", "/token", "Content-Length: 20000", 413}, // MP-11: the size comes first
	} {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, c.path, untouchable{t})
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				r.Header.Set(name, value)
			}
			if c.want == 413 {
				r.ContentLength = 20000
			}
			w := httptest.NewRecorder()
			edge.Wrap(ok(), edge.Options{Deployment: deployment(t), Before: strangers}).ServeHTTP(w, r)
			if w.Code != c.want || w.Header().Get("Connection") != "close" {
				t.Errorf("got %d, Connection %q; want %d, close", w.Code, w.Header().Get("Connection"), c.want)
			}
			if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (c.want == 401) {
				t.Errorf("challenge: got %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestBeforeSeesWhatTheEdgeSettled(t *testing.T) {
	t.Parallel()
	var issuer, credential, address string
	before := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			issuer, credential, address = edge.Issuer(r).String(), r.Header.Get("Authorization"), edge.ClientKey(r)
			next.ServeHTTP(w, r)
		})
	}
	e := deployment(t)
	e.TrustForwardedAuthorization = true
	w := serve(ok(), edge.Options{Deployment: e, Before: before}, "POST", "/token", "a=b",
		"X-Forwarded-Authorization: Bearer x", "Authorization: Bearer gateway")
	if issuer != "https://auth.example.com" || credential != "Bearer x" || address != "192.0.2.1" {
		t.Errorf("got %q, %q, %q", issuer, credential, address)
	}
	if w.Code != 200 || w.Body.String() != "token" || w.Header().Get("Connection") != "" {
		t.Errorf("got %d %q, Connection %q; want the handler's answer on a connection that stays", w.Code, w.Body,
			w.Header().Get("Connection"))
	}
	before = func(http.Handler) http.Handler {
		return edge.JSONErrors(func(http.ResponseWriter, *http.Request) error { return errors.New("down") })
	}
	if w := serve(ok(), edge.Options{Deployment: e, Before: before}, "POST", "/token", "a=b"); w.Code != 503 {
		t.Errorf("a fault: got %d, want 503", w.Code)
	}
}

// The net/http server would wait for the rest of the body before it answers (MP-11, HT-06). No deadline helps
// here: the edge cannot reach the connection's.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	h := edge.Wrap(ok(), edge.Options{Deployment: deployment(t), Before: strangers})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	defer s.Close()
	for path, want := range map[string]int{"/token": 401, "/nothing": 404} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: auth.example.com\r\nContent-Length: 10\r\n\r\nhalf", path)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: got no answer while the body is under way: %v", path, err)
		}
		if resp.StatusCode != want || !resp.Close {
			t.Errorf("%s: got %d, close %t; want %d on a connection that is closed", path, resp.StatusCode, resp.Close,
				want)
		}
		conn.Close()
	}
}

// A proxy that reads no answer before it has sent everything still brings the refusal to its caller, who
// would be told of a fault of ours otherwise (HT-06).
func TestARefusalReachesWhoSendsTheBodyFirst(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(edge.Wrap(ok(), edge.Options{Deployment: deployment(t), Before: strangers}))
	defer s.Close()
	const size = 16 << 20 // more than the buffers between two sockets hold
	for header, want := range map[string]int{"X-Large: yes": 413, "Content-Encoding: gzip": 415} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(conn, "POST /register HTTP/1.1\r\nHost: auth.example.com\r\n%s\r\nContent-Length: %d\r\n\r\n",
			header, size)
		if _, err := io.CopyN(conn, zeros{}, size); err != nil {
			t.Errorf("%s: the body was cut off: %v", header, err)
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: got %v, %v; want %d", header, resp, err, want)
		}
	}
}

// A caller who waits for 100 (Continue) sends no body after a refusal, so nobody waits for one.
func TestNothingIsWaitedForAfterExpect(t *testing.T) {
	t.Parallel()
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/nothing", untouchable{t})
	r.Header.Set("Expect", "100-continue")
	edge.Wrap(ok(), edge.Options{Deployment: deployment(t)}).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("got %d, want 404", w.Code)
	}
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// An id in a path may be a secret in the wrong place, and so may any path (LG-01).
func TestTheLineNamesTheRouteAndNotThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, header, want string }{
		{"GET", "/register/canary", "", "/register/{client_id}"},
		{"DELETE", "/register/canary", "", "/register/{client_id}"}, // 405
		{"OPTIONS", "/register/canary", "", "/register/{client_id}"},
		// Refused before any route is taken.
		{"GET", "/register/canary", "Content-Encoding: gzip", "/register/{client_id}"},
		{"GET", "/register/canary/", "", "unknown"},
		{"GET", "/register/%63anary", "", "unknown"},
		{"GET", "/canary", "", "unknown"},
		{"POST", "/token", "", "/token"},
	} {
		var log logBuffer
		e := deployment(t)
		e.Log = log.logger()
		var headers []string
		if c.header != "" {
			headers = append(headers, c.header)
		}
		serve(ok(), edge.Options{Deployment: e}, c.method, c.path, "", headers...)
		lines := log.lines(t)
		if len(lines) != 1 || lines[0]["path"] != c.want || lines[0]["message"] != c.method+" "+c.want {
			t.Errorf("%s %s: got %v, want the path %s", c.method, c.path, lines, c.want)
		}
		if strings.Contains(fmt.Sprint(lines), "canary") {
			t.Errorf("%s %s: the line has the path: %v", c.method, c.path, lines)
		}
	}
}
