package otlp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// sendTime is how long the collector may take. An answer waits for that, and at most for
	// as long again where others' spans are on their way already.
	sendTime = time.Second
	// pause is how long nothing is sent after a collector did not take something: answers
	// do not wait for one that is down.
	pause = 30 * time.Second
	// maxSpans is how many spans are kept for a collector that does not take them.
	maxSpans = 2048
)

// A flusher sends what requests did before their answers end. Requests that end while
// something is being sent go together with the next round, so there is one at a time.
type flusher struct {
	log     *slog.Logger
	now     func() time.Time
	spans   spans
	reader  *sdkmetric.ManualReader // nil without metrics
	metrics sdkmetric.Exporter

	mu      sync.Mutex
	running bool
	next    *round    // what is to be sent after what is being sent
	until   time.Time // of the pause
}

// A round is one sending that several requests wait for.
type round struct{ done chan struct{} }

// flush sends what has ended, or waits until its time is over.
func (f *flusher) flush(ctx context.Context) {
	r := f.join()
	if r == nil {
		return
	}
	// A caller who left is no reason to forget what they did.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*sendTime)
	defer cancel()
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}

// join returns the round that has what ended before now; nil while there is a pause.
func (f *flusher) join() *round {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Before(f.until) {
		return nil
	}
	if f.next == nil {
		f.next = &round{make(chan struct{})}
	}
	r := f.next
	if !f.running {
		f.running = true
		go f.run()
	}
	return r
}

// run sends rounds until there is none.
func (f *flusher) run() {
	for {
		f.mu.Lock()
		r, paused := f.next, f.now().Before(f.until)
		f.next, f.running = nil, r != nil
		f.mu.Unlock()
		if r == nil {
			return
		}
		if !paused { // who joined while it failed does not try again
			f.send()
		}
		close(r.done)
	}
}

// send sends traces and metrics side by side.
func (f *flusher) send() {
	ctx, cancel := context.WithTimeout(context.Background(), sendTime)
	defer cancel()
	measured := make(chan error, 1)
	go func() { measured <- f.measure(ctx) }()
	err := errors.Join(f.spans.send(ctx), <-measured)
	if err == nil {
		return
	}
	f.mu.Lock()
	f.until = f.now().Add(pause)
	f.mu.Unlock()
	f.log.Warn("telemetry was not sent", "error", err, "pause", pause.String())
}

func (f *flusher) measure(ctx context.Context) error {
	if f.reader == nil {
		return nil
	}
	var m metricdata.ResourceMetrics
	if err := f.reader.Collect(ctx, &m); err != nil {
		return err
	}
	if len(m.ScopeMetrics) == 0 {
		return nil
	}
	return f.metrics.Export(ctx, &m)
}

// spans keeps what has ended until it is sent. It is a [sdktrace.SpanProcessor].
type spans struct {
	exporter sdktrace.SpanExporter // nil without traces

	mu    sync.Mutex
	ended []sdktrace.ReadOnlySpan
}

// OnStart implements [sdktrace.SpanProcessor].
func (s *spans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements [sdktrace.SpanProcessor].
func (s *spans) OnEnd(span sdktrace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ended) < maxSpans {
		s.ended = append(s.ended, span)
	}
}

// send sends what has ended. What the collector does not take is gone: it may have it.
func (s *spans) send(ctx context.Context) error {
	s.mu.Lock()
	ended := s.ended
	s.ended = nil
	s.mu.Unlock()
	if len(ended) == 0 {
		return nil
	}
	return s.exporter.ExportSpans(ctx, ended)
}

// ForceFlush implements [sdktrace.SpanProcessor]. The flusher sends.
func (s *spans) ForceFlush(context.Context) error { return nil }

// Shutdown implements [sdktrace.SpanProcessor].
func (s *spans) Shutdown(ctx context.Context) error { return s.exporter.Shutdown(ctx) }
