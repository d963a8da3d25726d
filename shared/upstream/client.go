package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-dev/postern/shared/telemetry"
)

// maxAnswer is the longest body a provider may send (UP-16). It is one byte less
// than 1 MiB because golang.org/x/oauth2 silently stops reading at 1 MiB: the
// error has to come first, or a cut-off form would pass as a whole one.
const maxAnswer = 1<<20 - 1

// ErrTooLong says that a provider sent more than is read.
var ErrTooLong = errors.New("the answer is longer than 1 MiB")

// NewClient returns the client all calls to providers go through. It follows no
// redirect, which would carry a token elsewhere; it ignores the proxy variables of
// the environment, so that who sets one cannot read codes and tokens; it gives up
// after 5 s; and it reads at most 1 MiB. base may be nil.
func NewClient(base http.RoundTripper) *http.Client {
	if base == nil {
		base = NewTransport(&net.Dialer{Timeout: Timeout})
	}
	return &http.Client{
		Transport:     bounded{base},
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewTransport returns what carries the calls of [NewClient], over connections that d dials.
func NewTransport(d *net.Dialer) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            d.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    Timeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// bounded asks for JSON and caps every answer.
type bounded struct{ base http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a RoundTripper must not change its request
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	r.Header.Set("User-Agent", "postern") // GitHub refuses requests without one
	resp, err := observed(b.base, r)
	if err != nil {
		return nil, err
	}
	resp.Body = &cappedBody{resp.Body, maxAnswer}
	return resp, nil
}

// observed sends r, in a span. Its path may name a person, and is not in it.
func observed(base http.RoundTripper, r *http.Request) (*http.Response, error) {
	_, span := telemetry.Start(r.Context(), telemetry.KindFetch, r.Method)
	if !span.On() {
		return base.RoundTrip(r)
	}
	span.Label("http.request.method", r.Method)
	span.Label("server.address", r.URL.Hostname())
	if port := r.URL.Port(); port != "" {
		span.Label("server.port", port)
	}
	resp, err := base.RoundTrip(r)
	switch {
	case err != nil:
		span.End("fault", "unreachable")
	case resp.StatusCode >= http.StatusBadRequest:
		status := strconv.Itoa(resp.StatusCode)
		span.Label("http.response.status_code", status)
		span.End("refused", status)
	default:
		span.Label("http.response.status_code", strconv.Itoa(resp.StatusCode))
		span.End("ok", "")
	}
	return resp, err
}

// cappedBody fails instead of ending where the allowance ends.
type cappedBody struct {
	io.ReadCloser
	left int64
}

func (c *cappedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.ReadCloser.Read(p)
	c.left -= int64(n)
	if c.left < 0 {
		return 0, ErrTooLong
	}
	return n, err
}
