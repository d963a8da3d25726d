package edge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A Deployment is what all functions of a deployment agree on about requests.
type Deployment struct {
	// Log takes one line per request. Nil discards.
	Log *slog.Logger
	// Observer makes traces and metrics of requests. Nil makes none.
	Observer telemetry.Observer
	// Issuer is the configured origin. Zero takes it from requests on loopback
	// and refuses all others.
	Issuer origin.Origin
	// TrustForwardedAuthorization says that a gateway moves the client's
	// credential to X-Forwarded-Authorization. See [Wrap].
	TrustForwardedAuthorization bool
	// ForwardedForHops is the entry of X-Forwarded-For, from the right, that is
	// the client's address; 0 is the address of the connection.
	ForwardedForHops int
	// LoadBalancer is what a load balancer in front of the gateway proves itself by. It
	// knows its caller's address; ForwardedForHops is for those who came around it.
	LoadBalancer Proof
	// LoadBalancerOnly refuses every request without that proof: the load balancer stands
	// straight before the functions, and nothing else may call them.
	LoadBalancerOnly bool
}

// Options is what an endpoint asks of [Wrap].
type Options struct {
	Deployment
	// Endpoint is the function's name in the log.
	Endpoint string
	// MaxBody is the largest body in bytes; 0 means 16 KiB.
	MaxBody int64
	// Answers is how the endpoint speaks. The zero value is for programs: errors in
	// JSON, and every web origin may call.
	Answers Answers
	// Before, if not nil, stands between the headers and the body: it answers a
	// request whose headers are reason enough to refuse it, or calls next, which
	// reads the body and serves. It sees issuer, address and credential settled,
	// and only requests that a [Mux] has a handler for, so no preflight.
	Before func(next http.Handler) http.Handler
}

const defaultMaxBody = 16 << 10

// Answers is what an endpoint's answers have in common.
type Answers struct {
	// Headers sets what every answer carries besides the request's id. Nil sets CORS
	// headers; an endpoint with headers of its own is for browsers' navigations and gets
	// none (RFC 9700 §2.6).
	Headers func(http.Header)
	// Error answers an error that arose before a handler was reached. Nil is JSON.
	Error func(http.ResponseWriter, *http.Request, error)
}

type stateKey struct{}

// state is what Wrap settles about a request.
type state struct {
	issuer  origin.Origin
	address netip.Addr
	answers Answers
	route   string // as it was given to Mux.Handle; empty if there is none
}

// stateOf never returns nil, so that handlers work unwrapped in tests.
func stateOf(ctx context.Context) *state {
	if s, ok := ctx.Value(stateKey{}).(*state); ok {
		return s
	}
	return &state{}
}

// Wrap puts the edge in front of a function's routes. In this order it gives
// the request an id, sets the security headers, recovers panics, writes the one
// log line, settles the client's address, refuses what came around the load balancer if
// only that may call, refuses what is ambiguous, settles issuer and
// credential, refuses a body announced over its limit, asks Before, and reads the
// body to the end within it. A [Mux] answers what it has no handler for without
// reading a body. An answer that leaves with the body unread waits for nothing; the
// connection is closed after it, when the caller has sent what they were sending or their
// time is over.
//
// The handler sees the client's own credential in Authorization, whichever
// header carried it, and X-Forwarded-Authorization never. It sees a body in
// memory. Answers carry Cache-Control: no-store unless it says otherwise, and
// unless Answers has headers of its own CORS headers, errors included.
func Wrap(mux *Mux, o Options) http.Handler {
	o.Log = defaults.Log(o.Log)
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	next := o.withBody(mux)
	if o.Before != nil {
		next = o.Before(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, rt := mux.find(r)
		if rt.handler(r) == nil {
			o.serve(mux, w, r, name)
			return
		}
		o.serve(next, w, r, name)
	})
}

// withBody reads the body and goes on to h.
func (o *Options) withBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := readWhole(w, r, o.MaxBody); err != nil {
			fail(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// A serving is a request that is served: its context, which knows its state, and its answer.
type serving struct {
	context.Context
	state    state
	recorder recorder
}

// Value is [context.Context]'s.
func (s *serving) Value(key any) any {
	if key == (stateKey{}) {
		return &s.state
	}
	return s.Context.Value(key)
}

// serve puts the edge around h, which route leads to.
func (o *Options) serve(h http.Handler, w http.ResponseWriter, r *http.Request, route string) {
	start := time.Now()
	id := telemetry.NewRequestID()
	trace := traceOf(r.Header)
	ctx := telemetry.Begin(r.Context(), id, trace)
	var span telemetry.Span
	if o.Observer != nil {
		ctx, span = o.observe(ctx, r, route)
	}
	address, proved := o.settleAddress(r)
	s := &serving{
		Context: ctx,
		state:   state{issuer: o.Issuer, answers: o.Answers, address: address, route: route},
		recorder: recorder{
			ResponseWriter: w,
			head:           r.Method == http.MethodHead,
			unread:         hasBody(r),
			expect:         r.Header.Get("Expect") != "",
		},
	}
	r = r.WithContext(s)
	st, rec := &s.state, &s.recorder
	o.setHeaders(rec.Header(), id, trace)
	defer rec.lingerOn(r.Body)
	defer o.finish(rec, r, start, span)
	limitReading(rec, r)
	if o.LoadBalancerOnly && !proved {
		refuseAround(rec, r, o.Issuer)
		return
	}
	if err := o.admit(r, st); err != nil {
		fail(rec, r, err)
		return
	}
	h.ServeHTTP(rec, r)
}

// admit refuses a request that must not reach a handler, and settles the state of others.
func (o *Options) admit(r *http.Request, st *state) error {
	if st.issuer.IsZero() {
		detected, ok := detectIssuer(r)
		if !ok {
			return httperr.Status(http.StatusMisdirectedRequest,
				oauth.Refuse(oauth.InvalidRequest, "ISSUER_URL is not set, so this server answers on loopback only"))
		}
		st.issuer = detected
	}
	if err := checkTarget(r, st.issuer); err != nil {
		return err
	}
	if err := o.checkHost(r, st.issuer); err != nil {
		return err
	}
	if err := checkHeaders(r); err != nil {
		return err
	}
	if err := settleAuthorization(r, o.TrustForwardedAuthorization); err != nil {
		return err
	}
	if r.ContentLength > o.MaxBody {
		return strict.TooLarge(o.MaxBody)
	}
	return nil
}

// finish recovers a panic, writes the line of the request, and ends its span.
func (o *Options) finish(w *recorder, r *http.Request, start time.Time, span telemetry.Span) {
	level := slog.LevelInfo
	if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // what was panicked with, not an error
		// A handler, or a proxy's, gave the connection up on purpose.
		telemetry.Add(r.Context(), slog.String("outcome", "aborted"))
		defer panic(p)
	} else if p != nil {
		telemetry.Add(r.Context(), slog.String(telemetry.StackKey, fmt.Sprintf("panic: %v\n%s", p, debug.Stack())))
		fail(w, r, oauth.RefuseBecause(fmt.Errorf("panic: %v", p), oauth.ServerError, "internal error"))
		if w.status < 500 {
			// The answer had begun; only breaking the connection tells the caller.
			defer panic(http.ErrAbortHandler)
		}
		level = slog.LevelError
	}
	path := routeOf(r)
	if telemetry.Field(r.Context(), "outcome") == "fault" {
		level = slog.LevelError
	}
	o.log(r, level, path, w.code(), time.Since(start))
	if span.On() {
		endSpan(r, span, w.code(), telemetry.Fields(r.Context()))
	}
}

// log writes the line of a request. Unlike slog itself it does not look up which line of the
// program says so: it is always this one.
func (o *Options) log(r *http.Request, level slog.Level, path string, status int, took time.Duration) {
	ctx, h := r.Context(), o.Log.Handler()
	if !h.Enabled(ctx, level) {
		return
	}
	rec := slog.NewRecord(time.Now(), level, r.Method+" "+path, 0)
	rec.AddAttrs(
		slog.String("endpoint", o.Endpoint), slog.String("method", r.Method), slog.String("path", path),
		slog.Int("status", status), slog.Int64("ms", took.Milliseconds()))
	telemetry.AddTo(ctx, &rec)
	_ = h.Handle(ctx, rec) // as slog does: there is nowhere else to say it
}

// routeOf names the path of a request for the log (LG-01): an id in a path may be a
// secret in the wrong place, and so may the whole of a path that leads nowhere.
func routeOf(r *http.Request) string {
	if route := stateOf(r.Context()).route; route != "" {
		return route
	}
	return "unknown"
}

// setHeaders sets what every answer carries.
func (o *Options) setHeaders(h http.Header, id string, trace telemetry.Trace) {
	h.Set("X-Request-Id", id)
	if trace.ID != "" { // by which a request that comes again is recognised: postern doctor looks for it
		h.Set("X-Trace-Id", trace.ID)
	}
	setSame(h, "X-Content-Type-Options", nosniff)
	setSame(h, "Cache-Control", noStore)
	if o.Answers.Headers != nil {
		o.Answers.Headers(h)
		return
	}
	setCORS(h)
}

// Values that every answer carries. A list of one is shared by all answers: adding to it
// makes another list, and a value in it is never changed.
var (
	nosniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	anyOrigin  = []string{"*"}
	exposeCORS = []string{corsExpose}
)

// setSame sets a header, by its canonical name, to values that are shared.
func setSame(h http.Header, name string, values []string) { h[name] = values }

// A recorder remembers how a request was answered, and sends no body to HEAD.
type recorder struct {
	http.ResponseWriter
	status int
	head   bool
	unread bool // a body that nobody has read to its end
	linger bool // it is to be dropped, once the answer has left
	expect bool // the caller waits for 100 (Continue), and sends nothing after a refusal
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
		if w.unread {
			w.linger = abandonBody(w.ResponseWriter) && !w.expect
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.head {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// lingerOn sends the answer to who is still sending a body, and drops the rest of that
// body. Many a proxy reads no answer before it has sent everything, and one that meets a
// closed connection tells its caller of a fault, 502 or 503, instead of the refusal.
func (w *recorder) lingerOn(body io.Reader) {
	if w.linger && http.NewResponseController(w.ResponseWriter).Flush() == nil {
		_, _ = io.CopyN(io.Discard, body, lingerBytes) // where it ends does not matter
	}
}

// Flush lets an MCP stream through.
func (w *recorder) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for [http.ResponseController].
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// started reports whether an answer has begun. A writer of somebody else's is
// taken as fresh.
func started(w http.ResponseWriter) bool {
	rec, ok := w.(*recorder)
	return ok && rec.status != 0
}
