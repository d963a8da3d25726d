package telemetry

import "context"

// An Observer makes traces and metrics of what functions do. There is one, shared/otlp.
// Where there is none nothing is made and nothing is paid: no allocation, no goroutine.
type Observer interface {
	// Start begins a span: below parent if that has an id, linked to what runs in ctx, else
	// below what runs in ctx.
	Start(ctx context.Context, k Kind, name string, parent Trace) (context.Context, ActiveSpan)
	// Count counts an event.
	Count(ctx context.Context, e Event)
	// Flush sends what has ended, where nothing is sent later. It takes a bounded time, and
	// a collector that does not answer costs no more than that.
	Flush(ctx context.Context)
}

// An ActiveSpan is what an [Observer] has of a [Span].
type ActiveSpan interface {
	// Trace is where the span is.
	Trace() Trace
	Rename(name string)
	Set(key, value string)
	SetInt(key string, value int)
	Label(key, value string)
	End(outcome, failure string)
}

// A Kind is what a span is of.
type Kind int

// The kinds. What is measured of each is in [Metrics].
const (
	KindRequest Kind = iota + 1 // a request, by its route
	KindCall                    // a call of MCP
	KindEvent                   // an event that the platform delivers
	KindStore                   // an operation of the store
	KindFetch                   // a request of ours to somebody else
)

// A Span is something that takes time. The zero Span is of a process that is not observed,
// and does nothing.
type Span struct{ active ActiveSpan }

// On reports whether somebody looks. What is made for a span alone need not be made otherwise.
func (s Span) On() bool { return s.active != nil }

// Rename gives the span a name that was not known at its start. Names are few.
func (s Span) Rename(name string) {
	if s.active != nil {
		s.active.Rename(name)
	}
}

// Set says something of the span: no secret, login or address of a person, as in the log.
func (s Span) Set(key, value string) {
	if s.active != nil {
		s.active.Set(key, value)
	}
}

// SetInt is Set for a number.
func (s Span) SetInt(key string, value int) {
	if s.active != nil {
		s.active.SetInt(key, value)
	}
}

// Label says something of the span, and of its metric if [Metrics] has the key there: it has
// few values, and no caller makes more.
func (s Span) Label(key, value string) {
	if s.active != nil {
		s.active.Label(key, value)
	}
}

// End ends the span and measures it. The outcome is one of few words, and so is the failure,
// which is empty unless it failed.
func (s Span) End(outcome, failure string) {
	if s.active != nil {
		s.active.End(outcome, failure)
	}
}

// Observe lets o see the request in ctx.
func Observe(ctx context.Context, o Observer) {
	if r := from(ctx); r != nil {
		r.observer = o
	}
}

func observerOf(ctx context.Context) Observer {
	if r := from(ctx); r != nil {
		return r.observer
	}
	return nil
}

// On reports whether the request in ctx is observed.
func On(ctx context.Context) bool { return observerOf(ctx) != nil }

// Start begins a span below the one that runs in ctx.
func Start(ctx context.Context, k Kind, name string) (context.Context, Span) {
	return StartBelow(ctx, k, name, Trace{})
}

// StartBelow begins a span below parent, which somebody else told. The zero parent means
// the span that runs in ctx.
func StartBelow(ctx context.Context, k Kind, name string, parent Trace) (context.Context, Span) {
	o := observerOf(ctx)
	if o == nil {
		return ctx, Span{}
	}
	ctx, active := o.Start(ctx, k, name, parent)
	return context.WithValue(ctx, spanKey{}, active), Span{active}
}

// StartRequest begins the span of the request in ctx, below the one that its caller told.
// The request's lines point to it.
func StartRequest(ctx context.Context, k Kind, name string) (context.Context, Span) {
	r := from(ctx)
	if r == nil || r.observer == nil {
		return ctx, Span{}
	}
	ctx, span := StartBelow(ctx, k, name, r.trace)
	r.shown = span.active.Trace()
	return ctx, span
}

type spanKey struct{}

// Carried returns the headers traceparent and tracestate of the span that runs in ctx, for
// whom it asks; empty if there is none.
func Carried(ctx context.Context) (parent, state string) {
	active, ok := ctx.Value(spanKey{}).(ActiveSpan)
	if !ok {
		return "", ""
	}
	t := active.Trace()
	flags := "-00"
	if t.Sampled {
		flags = "-01"
	}
	return "00-" + t.ID + "-" + t.Span + flags, t.State
}

// Flush sends what was observed of the request in ctx, before it ends.
func Flush(ctx context.Context) {
	if o := observerOf(ctx); o != nil {
		o.Flush(ctx)
	}
}
