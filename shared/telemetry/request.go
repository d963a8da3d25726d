package telemetry

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
)

// request is what a request knows about itself. It travels in the context.
type request struct {
	id       string
	trace    Trace    // as it came
	shown    Trace    // of the span that its lines point to
	observer Observer // usually nil

	mu     sync.Mutex
	fields []slog.Attr  // guarded by mu
	few    [8]slog.Attr // where they are while they are few
}

type contextKey struct{}

func from(ctx context.Context) *request {
	r, _ := ctx.Value(contextKey{}).(*request)
	return r
}

// NewRequestID returns 16 characters of A-Z and 2-7, 80 random bits: enough to
// find one line, short enough to be read out on the telephone.
func NewRequestID() string { return rand.Text()[:16] }

// Begin starts a request's record in the context it returns.
func Begin(ctx context.Context, id string, t Trace) context.Context {
	r := &request{id: id, trace: t, shown: t}
	r.fields = r.few[:0]
	return context.WithValue(ctx, contextKey{}, r)
}

// RequestID returns the id of the request in ctx, or the empty string.
func RequestID(ctx context.Context) string {
	if r := from(ctx); r != nil {
		return r.id
	}
	return ""
}

// TraceID returns the id of the trace that the request in ctx belongs to, or the empty
// string. A platform gives every request one and keeps it when it sends the request
// again; a caller can choose one too.
func TraceID(ctx context.Context) string {
	if r := from(ctx); r != nil {
		return r.trace.ID
	}
	return ""
}

// Repeated is the field of a request that was answered like its first run, whose answer
// was lost.
func Repeated() slog.Attr { return slog.Bool("repeated", true) }

// Add adds fields to the one line of the request in ctx. A later field replaces
// an earlier one of the same key. Without a request it does nothing. It is safe
// for concurrent use.
func Add(ctx context.Context, attrs ...slog.Attr) {
	r := from(ctx)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range attrs {
		r.put(a)
	}
}

func (r *request) put(a slog.Attr) {
	for i := range r.fields {
		if r.fields[i].Key == a.Key {
			r.fields[i] = a
			return
		}
	}
	r.fields = append(r.fields, a)
}

// Field returns the text of a field of the request in ctx, or "".
func Field(ctx context.Context, key string) string {
	r := from(ctx)
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.fields {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// Fields returns a copy of the fields added to the request in ctx, in order.
func Fields(ctx context.Context) []slog.Attr {
	r := from(ctx)
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]slog.Attr(nil), r.fields...)
}

// AddTo adds the fields of the request in ctx to a record, in order.
func AddTo(ctx context.Context, rec *slog.Record) {
	r := from(ctx)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.AddAttrs(r.fields...)
}

// A Trace is a request's place in a trace. The zero Trace means none.
type Trace struct {
	// ID is 32 lower-case hexadecimal characters, not all zero.
	ID string
	// Span is 16 lower-case hexadecimal characters, or empty.
	Span    string
	Sampled bool
	// State is a tracestate header to pass on, as it came; usually empty.
	State string
}

// ParseTrace reads the values of a request's traceparent header (W3C Trace
// Context §3.2) or, if that is malformed or missing, X-Cloud-Trace-Context.
// Callers can send both, so anything but a well-formed single value is ignored.
func ParseTrace(traceparent, cloud []string) Trace {
	if len(traceparent) == 1 {
		if t, ok := parseTraceparent(traceparent[0]); ok {
			return t
		}
	}
	if len(cloud) == 1 {
		return parseCloudTrace(cloud[0])
	}
	return Trace{}
}

func parseTraceparent(s string) (Trace, bool) {
	// version "-" trace-id "-" parent-id "-" trace-flags
	f := strings.Split(s, "-")
	if len(s) != 55 || len(f) != 4 || f[0] == "ff" ||
		!isHex(f[0], 2) || !isID(f[1], 32) || !isID(f[2], 16) || !isHex(f[3], 2) {
		return Trace{}, false
	}
	return Trace{ID: f[1], Span: f[2], Sampled: strings.IndexByte("13579bdf", f[3][1]) >= 0}, true
}

// parseCloudTrace reads TRACE_ID "/" SPAN_ID [";o=" OPTIONS]. The span there is
// decimal and of no use in a line's spanId, so it is left out.
func parseCloudTrace(s string) Trace {
	id, rest, _ := strings.Cut(s, "/")
	if !isID(id, 32) {
		return Trace{}
	}
	return Trace{ID: id, Sampled: strings.HasSuffix(rest, ";o=1")}
}

// isID reports whether s is n lower-case hexadecimal characters, not all zero.
func isID(s string, n int) bool {
	return isHex(s, n) && strings.Trim(s, "0") != ""
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
