package emulate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/terraform/gateway"
)

// maxBody is the gateway's limit of a request and of an answer, in bytes.
const maxBody = 32 << 20

type edgeConfig struct {
	origin    string
	dropEvery int
	log       *slog.Logger
}

// newEdge returns the gateway: it routes by m to the fleets.
func newEdge(m *gateway.Map, fleets map[string]*fleet, c edgeConfig) (http.Handler, error) {
	e := &edge{edgeConfig: c, transport: newTransport()}
	backends := map[string]http.Handler{}
	for _, route := range m.Routes() {
		if f := fleets[route.Function]; f != nil {
			// The deadline is the same for all routes of a function.
			backends[route.Function] = &backend{edge: e, fleet: f, deadline: route.Deadline}
		}
	}
	routes, err := front.New(m, backends)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.Contains(name, "_") { // the proxy's rule
				front.Answer(w, http.StatusBadRequest, "Bad Request")
				return
			}
		}
		routes.ServeHTTP(w, r)
	}), nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{}).DialContext,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
}

// An edge is what all backends of a gateway have in common.
type edge struct {
	edgeConfig
	transport http.RoundTripper
	answered  atomic.Int64
}

// A backend is one function as the gateway knows it.
type backend struct {
	*edge
	fleet    *fleet
	deadline time.Duration
}

// ServeHTTP forwards a request and passes on the whole answer, or says in the gateway's
// own JSON that there is none.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), b.deadline)
	defer cancel()
	body, err := readBody(w, r, b.deadline)
	if err != nil {
		refuseBody(w, err)
		return
	}
	addTrace(r.Header)
	a, err := b.fetch(ctx, r, body)
	switch {
	case err == nil:
		a.write(w)
	case r.Context().Err() != nil || errors.Is(err, errBroken) && ctx.Err() == nil:
		panic(http.ErrAbortHandler) // the caller left, or has the beginning of an answer
	case ctx.Err() != nil:
		front.Answer(w, http.StatusGatewayTimeout, "upstream request timeout")
	default:
		b.log.Warn("no answer from a function", "function", b.fleet.name, "error", err)
		front.Answer(w, http.StatusServiceUnavailable, "upstream connect error or disconnect/reset before headers")
	}
}

func readBody(w http.ResponseWriter, r *http.Request, limit time.Duration) ([]byte, error) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(limit)) // a test's recorder has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = c.SetReadDeadline(time.Time{})
	return body, err
}

func refuseBody(w http.ResponseWriter, err error) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		front.Answer(w, http.StatusRequestEntityTooLarge, "Payload Too Large")
		return
	}
	front.Answer(w, http.StatusBadRequest, "Bad Request")
}

var (
	errDropped = errors.New("the connection was dropped after the answer, as --drop-every asks")
	errBroken  = errors.New("the answer broke off")
)

// fetch gets the answer. If the connection breaks before one begins, the request is
// sent once more, to the replica whose turn it is: it may then be done twice.
func (b *backend) fetch(ctx context.Context, r *http.Request, body []byte) (*answer, error) {
	a, err := b.once(ctx, r, body)
	if err == nil && b.dropEvery > 0 && b.answered.Add(1)%int64(b.dropEvery) == 0 {
		err = errDropped
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, errBroken) {
		return a, err
	}
	b.log.Info("request is sent once more", "function", b.fleet.name, "method", r.Method, "error", err)
	return b.once(ctx, r, body)
}

// once sends a request to one replica.
func (b *backend) once(ctx context.Context, r *http.Request, body []byte) (*answer, error) {
	resp, err := b.fleet.send(ctx, func(in *instance) (*http.Response, error) {
		return b.transport.RoundTrip(b.request(ctx, r, in, body))
	})
	if err != nil {
		return nil, err
	}
	return readAnswer(resp)
}

// send sends a request by try to the replica whose turn it is. One that does not take the
// connection has done nothing and gets no requests from the platform, so the next one is asked.
func (f *fleet) send(ctx context.Context, try func(*instance) (*http.Response, error)) (*http.Response, error) {
	var dead *instance
	for {
		in, err := f.pick(ctx, dead)
		if err != nil {
			return nil, err
		}
		resp, err := try(in)
		if err == nil {
			return resp, nil
		}
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || ctx.Err() != nil {
			return nil, err
		}
		dead = in
	}
}

// An answer is a function's whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// readAnswer reads to the end: without streaming, which is a preview, an answer comes in
// one piece.
func readAnswer(resp *http.Response) (*answer, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, errors.Join(errBroken, err)
	}
	if len(body) > maxBody {
		return nil, errBroken
	}
	dropHopByHop(resp.Header)
	return &answer{resp.StatusCode, resp.Header, body}, nil
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = io.Copy(w, bytes.NewReader(a.body))
}
