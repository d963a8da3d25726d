package emulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	shared "github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/terraform/gateway"
)

// balancerAddress is the load balancer's own, which it adds to X-Forwarded-For (RFC 5737).
const balancerAddress = "203.0.113.7"

// A balancer is the load balancer straight before the functions. A path decides where a request
// goes, whatever its method and host: what no function of ours has is one's that says so. It
// keeps Host and Authorization, asks nothing twice and holds nothing back; deadline and sizes
// are those of Cloud Run.
type balancer struct {
	paths    *gateway.Map
	services map[string]http.Handler // by function
}

// newBalancer returns the load balancer of fleets, which proves itself by proof.
func newBalancer(m *gateway.Map, fleets map[string]*fleet, origin, proof string, log *slog.Logger) http.Handler {
	b := &balancer{paths: m, services: map[string]http.Handler{}}
	transport, timeouts := newTransport(), timeoutsOf(m)
	scheme, _, _ := strings.Cut(origin, "://")
	for name, f := range fleets {
		proxy := &httputil.ReverseProxy{
			Rewrite:        func(r *httputil.ProxyRequest) { forwardProved(r, scheme, proof) },
			Transport:      replicas{f, transport},
			FlushInterval:  -1,
			ModifyResponse: answerFits,
			ErrorHandler:   noAnswer(log, name),
			ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		}
		b.services[name] = service(proxy, timeouts[name])
	}
	return b
}

// ServeHTTP hands a request to its function. A target without a path (CONNECT, *) is nobody's.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := b.services[b.paths.Function(r.URL.EscapedPath())]
	if service == nil {
		googleError(w, http.StatusBadRequest)
		return
	}
	service.ServeHTTP(w, r)
}

// service bounds a request as Cloud Run does: its size, and the time until its answer ends.
func service(next http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			googleError(w, http.StatusRequestEntityTooLarge)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		// An answer that begins before the body has been read does not end the reading: net/http would
		// drop the rest, and with it the connection to the function.
		_ = http.NewResponseController(w).EnableFullDuplex() // a test's recorder has none
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// forwardProved makes what a function gets. X-Forwarded-For is appended to, and what a client
// sends under the load balancer's own name is replaced. Other names of proxies stay as the client
// sent them: no function may believe them.
func forwardProved(r *httputil.ProxyRequest, scheme, proof string) {
	client, _, err := net.SplitHostPort(r.In.RemoteAddr)
	if err != nil {
		client = r.In.RemoteAddr
	}
	h := r.Out.Header
	for _, name := range []string{"Forwarded", "X-Forwarded-Host"} { // which the proxy took out
		if values := r.In.Header[name]; len(values) > 0 {
			h[name] = values
		}
	}
	r.Out.URL.Scheme, r.Out.URL.RawQuery = "http", r.In.URL.RawQuery
	h.Set("X-Forwarded-For", strings.Join(append(r.In.Header.Values("X-Forwarded-For"), client, balancerAddress), ", "))
	h.Set("X-Forwarded-Proto", scheme)
	h.Set("Via", "1.1 google")
	h.Set(shared.LoadBalancerHeader, proof+" "+client)
	addTrace(h)
}

// replicas sends requests to the replicas of a function in turn.
type replicas struct {
	fleet *fleet
	next  http.RoundTripper
}

// RoundTrip is [http.RoundTripper]'s, but that it leaves closing the body to the proxy: it
// outlives a try that reached nobody.
func (s replicas) RoundTrip(r *http.Request) (*http.Response, error) {
	return s.fleet.send(r.Context(), func(in *instance) (*http.Response, error) {
		try := r.Clone(r.Context())
		try.URL.Host = in.address
		if r.Body != nil {
			try.Body = io.NopCloser(r.Body)
		}
		return s.next.RoundTrip(try)
	})
}

// answerFits refuses an answer that is larger than Cloud Run lets one be that is no stream.
func answerFits(resp *http.Response) error {
	if resp.ContentLength > maxBody {
		return fmt.Errorf("the answer has %d bytes, and Cloud Run lets %d through", resp.ContentLength, maxBody)
	}
	return nil
}

// noAnswer says for a function that there is no answer.
func noAnswer(log *slog.Logger, function string) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		tooLarge := new(http.MaxBytesError)
		switch {
		case errors.As(err, &tooLarge):
			googleError(w, http.StatusRequestEntityTooLarge)
		case errors.Is(r.Context().Err(), context.DeadlineExceeded):
			googleError(w, http.StatusGatewayTimeout)
		case r.Context().Err() != nil: // the caller left
		default:
			log.Warn("no answer from a function", "function", function, "error", err)
			googleError(w, http.StatusBadGateway)
		}
	}
}

// googleError is an answer of the platform's own: a page, without CORS headers or a challenge.
func googleError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d %[2]s</title></head><body><h1>Error: %[2]s</h1></body></html>\n",
		status, http.StatusText(status))
}
