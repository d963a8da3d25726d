package rig

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// A front is the public origin. It stays where it is while the processes behind it come
// and go, and hands each request to the next of them. A process that does not accept
// connections is passed over, as a load balancer does; a request that has been sent is
// never sent again.
type front struct {
	url  string
	next *http.Transport

	mu      sync.Mutex
	targets []string // host:port
	turn    atomic.Uint64
}

// newFront opens an origin whose traffic w sees.
func newFront(t testing.TB, w *Witness) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{url: "http://" + l.Addr().String(), next: &http.Transport{MaxIdleConnsPerHost: 64}}
	w.next = f
	server := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "replica" },
		Transport:     Whole(w),
		FlushInterval: -1, // streams are passed on as they come
		ErrorLog:      log.New(io.Discard, "", 0),
	}}
	go server.Serve(l) // returns at Close
	t.Cleanup(func() { server.Close() })
	return f
}

// set says which processes there are.
func (f *front) set(targets []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = targets
	f.next.CloseIdleConnections() // one to a dead process would fail a request that could succeed
}

func (f *front) snapshot() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.targets
}

// RoundTrip sends a request to the next process that accepts connections.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	targets := f.snapshot()
	first := f.turn.Add(1)
	err := errors.New("no process runs")
	for i := range targets {
		out := r.Clone(r.Context())
		out.URL = aimed(r.URL, targets[(first+uint64(i))%uint64(len(targets))])
		if r.Body != nil {
			out.Body = io.NopCloser(r.Body) // a failed dial closes it, and the next one needs it
		}
		var resp *http.Response
		if resp, err = f.next.RoundTrip(out); !refused(err) {
			return resp, err
		}
	}
	return nil, err
}

func aimed(u *url.URL, host string) *url.URL {
	at := *u
	at.Host = host
	return &at
}

// refused reports whether nothing of the request can have been read.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Whole returns a transport that reads the body of a request before it sends it. A
// reverse proxy needs that: when the answer comes before the proxy has seen the end of
// the body, Go's server closes the body, and Go's transport cuts the answer off.
func Whole(next http.RoundTripper) http.RoundTripper { return whole{next} }

type whole struct{ next http.RoundTripper }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	out := *r
	out.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.RoundTrip(&out)
}
