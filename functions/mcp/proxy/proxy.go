// Package proxy passes messages on to one MCP server behind this one, in any language, and
// its answers back.
//
// It keeps nothing: sessions, resumption and protocol revisions are the business of client
// and server. Headers go through a list in each direction (headers.go), and answers are
// looked at before they leave in our name (answer.go). Who may call is settled before, and
// how an error is worded as JSON-RPC after, by package mcp.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

const (
	// Wait is how long a server may take until its answer is here, or its stream has
	// begun: below the 300 s after which the platform ends the function.
	Wait = 290 * time.Second

	// dialTime is how long a connection may take.
	dialTime = 10 * time.Second
	// idleTime is how long a connection is kept for the next call. Servers close idle ones,
	// uvicorn and Node after 5 s, and a call that meets the closing is lost, since it is
	// not sent twice.
	idleTime = 4 * time.Second
	// maxHeaders is how large the headers of an answer may be, in bytes.
	maxHeaders = 64 << 10
)

// A Proxy stands before one server. It is safe for concurrent use.
type Proxy struct {
	url       *url.URL
	wait      time.Duration
	transport http.RoundTripper
}

// New returns a proxy for the server at u, https or of this machine, which has to answer
// within wait; 0 means [Wait].
func New(u *url.URL, wait time.Duration) *Proxy {
	if wait == 0 {
		wait = Wait
	}
	return &Proxy{url: u, wait: wait, transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout:    dialTime,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeaders,
	}}
}

// URL is the address of the server, and so the audience of what tells it who calls.
func (p *Proxy) URL() string { return p.url.String() }

// Origin names the server to people: its URL without the path, which may be a secret.
func (p *Proxy) Origin() string { return p.url.Scheme + "://" + p.url.Host }

// Host and Port are those of the server's address; the port may be empty.
func (p *Proxy) Host() string { return p.url.Hostname() }

// Port goes with [Proxy.Host].
func (p *Proxy) Port() string { return p.url.Port() }

// A Call is what is known about a request beside the request itself.
type Call struct {
	// Header tells the server who calls, and that it is us. What the client sent under
	// these names does not go on.
	Header http.Header
	// IDs are those of the JSON-RPC requests in the body, as they are written.
	IDs [][]byte
	// Streaming, if not nil, is told when the answer is a stream, before it begins.
	Streaming func()
	// Change, if not nil, may change an answer before it leaves. What is not a stream is in
	// memory. Its error is that of Serve.
	Change func(res *http.Response, stream bool) error
}

// A Fault is an answer that cannot be passed on. Text is for the caller, Status the one to
// answer with: 502, 504, or that of a refusal whose body says nothing that clients read.
type Fault struct {
	Status int
	Text   string
	cause  error
}

func (f *Fault) Error() string {
	if f.cause == nil {
		return f.Text
	}
	return f.Text + ": " + f.cause.Error()
}

// rejects is the text of a refusal of who calls.
const rejects = "the server behind this one does not accept the caller"

// Rejected reports whether the server refused who calls, by 401, 403 or 407.
func (f *Fault) Rejected() bool { return f.Text == rejects }

func (f *Fault) Unwrap() error { return f.cause }

func badGateway(text string, cause error) *Fault { return &Fault{http.StatusBadGateway, text, cause} }

var (
	errSlow = errors.New("the time is over")
	silent  = log.New(io.Discard, "", 0)
)

// Serve passes r on and the answer back. The body of r has to be in memory: a server may
// answer before it has read one, and net/http then closes what is left of it. An error
// means that nothing was written: a [Fault], or that of the context of a caller who left.
// An answer that breaks off later breaks the connection off.
//
// A request is sent once. net/http repeats what may have been sent only if its body can be
// had again, by GetBody, and a stream (GET), which changes nothing.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, c Call) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	slow := time.AfterFunc(p.wait, func() { cancel(errSlow) })
	defer slow.Stop()

	var failed error
	reverse := &httputil.ReverseProxy{
		Rewrite:   func(out *httputil.ProxyRequest) { p.rewrite(out.Out, c.Header) },
		Transport: p.transport, // follows no redirect
		ModifyResponse: func(res *http.Response) error {
			stream, err := check(res, c.IDs)
			if stream {
				slow.Stop()
				w.Header().Set("X-Accel-Buffering", "no") // for proxies in front
				if c.Streaming != nil {
					c.Streaming()
				}
			}
			if err == nil && c.Change != nil {
				err = c.Change(res, stream)
				failed = err
			}
			return err
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			if failed == nil {
				failed = fault(r.Context(), context.Cause(ctx), err)
			}
		},
		FlushInterval: -1,     // as it comes
		ErrorLog:      silent, // the request's line has it
	}
	reverse.ServeHTTP(newAnswer(w), r.WithContext(ctx))
	return failed
}

// rewrite makes the request that goes on. Of the client's own path and query nothing does, and
// nothing that came after its body: servers may take trailers for headers (RFC 9110 §6.5.1).
func (p *Proxy) rewrite(out *http.Request, ours http.Header) {
	u := *p.url
	out.URL, out.Host, out.Trailer, out.TransferEncoding = &u, "", nil, nil
	out.Header = sent(out.Header)
	maps.Copy(out.Header, ours)
}

// fault says what an error of the way means to the caller, whose context it is given. ended
// is why the request was, nil if it was not.
func fault(caller context.Context, ended, err error) error {
	var f *Fault
	var timeout net.Error
	switch {
	case caller.Err() != nil:
		return fmt.Errorf("the caller left: %w", caller.Err())
	case errors.Is(ended, errSlow), errors.As(err, &timeout) && timeout.Timeout():
		return &Fault{http.StatusGatewayTimeout, "the server behind this one takes too long", err}
	case errors.As(err, &f):
		return f
	}
	return badGateway("the server behind this one cannot be reached", err)
}
