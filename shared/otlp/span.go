package otlp

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-dev/postern/shared/telemetry"
)

var kinds = map[telemetry.Kind]trace.SpanKind{
	telemetry.KindRequest: trace.SpanKindServer,
	telemetry.KindCall:    trace.SpanKindServer,
	telemetry.KindEvent:   trace.SpanKindConsumer,
	telemetry.KindStore:   trace.SpanKindClient,
	telemetry.KindFetch:   trace.SpanKindClient,
}

// Start implements [telemetry.Observer].
func (b *Observer) Start(
	ctx context.Context, k telemetry.Kind, name string, parent telemetry.Trace,
) (context.Context, telemetry.ActiveSpan) {
	options := []trace.SpanStartOption{trace.WithSpanKind(kinds[k])}
	if remote := contextOf(parent); remote.IsValid() {
		if here := trace.SpanContextFromContext(ctx); here.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: here}))
		}
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	}
	ctx, s := b.tracer.Start(ctx, name, options...)
	return ctx, &span{Span: s, ctx: ctx, duration: b.durations[k], started: time.Now()}
}

// contextOf is a place in a trace that somebody else told.
func contextOf(t telemetry.Trace) trace.SpanContext {
	id, err := trace.TraceIDFromHex(t.ID)
	if err != nil {
		return trace.SpanContext{}
	}
	span, err := trace.SpanIDFromHex(t.Span)
	if err != nil {
		return trace.SpanContext{}
	}
	state, err := trace.ParseTraceState(t.State)
	if err != nil {
		state = trace.TraceState{} // a malformed one is dropped (W3C Trace Context §3.3.1)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: span, TraceState: state, Remote: true,
		TraceFlags: trace.TraceFlags(0).WithSampled(t.Sampled),
	})
}

// A span is used by one goroutine at a time.
type span struct {
	trace.Span
	ctx     context.Context
	started time.Time
	duration
	labels []attribute.KeyValue
}

// Trace implements [telemetry.ActiveSpan].
func (s *span) Trace() telemetry.Trace {
	c := s.SpanContext()
	return telemetry.Trace{
		ID: c.TraceID().String(), Span: c.SpanID().String(), Sampled: c.IsSampled(), State: c.TraceState().String(),
	}
}

// Rename implements [telemetry.ActiveSpan].
func (s *span) Rename(name string) { s.SetName(name) }

// Set implements [telemetry.ActiveSpan].
func (s *span) Set(key, value string) { s.SetAttributes(attribute.String(key, valid(value))) }

// SetInt implements [telemetry.ActiveSpan].
func (s *span) SetInt(key string, value int) { s.set(attribute.Int(key, value)) }

// Label implements [telemetry.ActiveSpan].
func (s *span) Label(key, value string) { s.set(attribute.String(key, valid(value))) }

// valid is a text that protobuf takes.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func (s *span) set(a attribute.KeyValue) {
	s.SetAttributes(a)
	if s.duration.labels[string(a.Key)] {
		s.labels = append(s.labels, a)
	}
}

// End implements [telemetry.ActiveSpan].
func (s *span) End(outcome, failure string) {
	s.Label(telemetry.OutcomeLabel, outcome)
	if failure != "" {
		s.Label(telemetry.FailureLabel, failure)
		s.SetStatus(codes.Error, "")
	}
	s.Span.End()
	if s.Float64Histogram != nil {
		s.Record(s.ctx, time.Since(s.started).Seconds(), metric.WithAttributes(s.labels...))
	}
}
