package otlp

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/version"
)

const (
	// scope names what makes the spans and metrics.
	scope = "github.com/postern-dev/postern"
	// maxSeries bounds the combinations of a metric's labels, unless Options say otherwise.
	maxSeries = 2000
	// maxValue bounds a text of a span, in bytes.
	maxValue = 1 << 10
	// closeTime is how long the last of it may take to be sent.
	closeTime = 5 * time.Second
)

// Options say what is sent. Where to, and the rest, OpenTelemetry's SDK reads from the
// variables OTEL_* of the process.
type Options struct {
	Traces, Metrics bool
	// Service is service.name; Function and Revision are what the platform calls this
	// program, empty elsewhere.
	Service, Function, Revision string
	// Resident says that the program goes on working between requests.
	Resident bool
	// Series bounds the combinations of a metric's labels; 0 means 2000.
	Series int
	// Log takes what could not be sent.
	Log *slog.Logger
}

// An Observer sends what it observes. It is safe for concurrent use.
type Observer struct {
	tracer    trace.Tracer
	durations map[telemetry.Kind]duration
	events    metric.Int64Counter
	flusher   *flusher // nil if the program is resident
	close     []func(context.Context) error
}

// New returns an observer. It does no network I/O. Its error is that of a variable OTEL_*.
func New(ctx context.Context, o Options) (*Observer, error) {
	about, err := o.resource(ctx)
	if err != nil {
		return nil, err
	}
	once.Do(func() {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
			o.Log.Warn("telemetry is not as it should be", "error", err)
		}))
	})
	b := &Observer{tracer: noop.NewTracerProvider().Tracer(scope), durations: map[telemetry.Kind]duration{}}
	if !o.Resident {
		b.flusher = &flusher{log: o.Log, now: time.Now}
	}
	if o.Traces {
		err = b.traceTo(ctx, about)
	}
	if o.Metrics {
		err = errors.Join(err, b.measureTo(ctx, about, cmp.Or(o.Series, maxSeries)))
	}
	return b, err
}

// once is for what OpenTelemetry has one of in a process.
var once sync.Once

// resource says what program this is.
func (o Options) resource(ctx context.Context) (*resource.Resource, error) {
	about := []attribute.KeyValue{
		attribute.String("service.name", o.Service),
		attribute.String("service.version", version.String()),
		attribute.String("service.instance.id", rand.Text()),
	}
	if o.Function != "" {
		about = append(about, attribute.String("faas.name", o.Function), attribute.String("faas.version", o.Revision))
	}
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(about...), resource.WithFromEnv())
}

// traceTo makes the tracer. The sampler is that of the environment.
func (b *Observer) traceTo(ctx context.Context, about *resource.Resource) error {
	var processor sdktrace.TracerProviderOption
	if b.flusher == nil {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return err
		}
		processor = sdktrace.WithBatcher(exporter)
	} else {
		// Trying again is for who has time.
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
		if err != nil {
			return err
		}
		b.flusher.spans.exporter = exporter
		processor = sdktrace.WithSpanProcessor(&b.flusher.spans)
	}
	limits := sdktrace.NewSpanLimits() // those of the environment
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxValue
	}
	p := sdktrace.NewTracerProvider(processor, sdktrace.WithResource(about), sdktrace.WithRawSpanLimits(limits))
	b.tracer = p.Tracer(scope, trace.WithInstrumentationVersion(version.String()))
	b.close = append(b.close, p.Shutdown)
	return nil
}

// measureTo makes the metrics.
func (b *Observer) measureTo(ctx context.Context, about *resource.Resource, series int) error {
	var reader sdkmetric.Reader
	if b.flusher == nil {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return err
		}
		reader = sdkmetric.NewPeriodicReader(exporter)
	} else {
		exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
		if err != nil {
			return err
		}
		manual := sdkmetric.NewManualReader(
			sdkmetric.WithTemporalitySelector(exporter.Temporality),
			sdkmetric.WithAggregationSelector(exporter.Aggregation))
		b.flusher.reader, b.flusher.metrics, reader = manual, exporter, manual
	}
	p := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(reader), sdkmetric.WithResource(about), sdkmetric.WithCardinalityLimit(series))
	b.close = append(b.close, p.Shutdown)
	return b.instruments(p.Meter(scope, metric.WithInstrumentationVersion(version.String())))
}

// A duration is the metric of a kind of span.
type duration struct {
	metric.Float64Histogram
	labels map[string]bool
}

func (b *Observer) instruments(m metric.Meter) error {
	var errs []error
	for _, i := range telemetry.Metrics {
		if i.Kind == 0 {
			c, err := m.Int64Counter(i.Name, metric.WithUnit("{event}"), metric.WithDescription(i.Question))
			b.events, errs = c, append(errs, err)
			continue
		}
		h, err := m.Float64Histogram(i.Name, metric.WithUnit("s"), metric.WithDescription(i.Question),
			metric.WithExplicitBucketBoundaries(i.Buckets...))
		labels := map[string]bool{}
		for _, l := range i.Labels {
			labels[l] = true
		}
		b.durations[i.Kind], errs = duration{h, labels}, append(errs, err)
	}
	return errors.Join(errs...)
}

// Count implements [telemetry.Observer].
func (b *Observer) Count(ctx context.Context, e telemetry.Event) {
	if b.events != nil {
		b.events.Add(ctx, 1, metric.WithAttributes(attribute.String(telemetry.EventLabel, string(e))))
	}
}

// Flush implements [telemetry.Observer].
func (b *Observer) Flush(ctx context.Context) {
	if b.flusher != nil {
		b.flusher.flush(ctx)
	}
}

// Close sends what is left and ends the observer.
func (b *Observer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	b.Flush(ctx)
	var errs []error
	for _, end := range b.close {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}
