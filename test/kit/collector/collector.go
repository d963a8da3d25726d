// Package collector is an OpenTelemetry collector for tests: it takes what is sent by OTLP over
// HTTP and tells what it got.
package collector

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// A Collector is safe for concurrent use.
type Collector struct {
	// URL is its address, for OTEL_EXPORTER_OTLP_ENDPOINT.
	URL string

	mu       sync.Mutex
	headers  []http.Header
	text     strings.Builder
	spans    []Span
	counts   map[string]uint64 // by series
	problems []string
}

// A Span is what a collector knows of one.
type Span struct {
	Service, Name, Kind     string
	Trace, ID, Parent, Link string // in hexadecimal; Link is the span of the first link
	State                   string
	Failed                  bool
	Attributes              map[string]string
}

// Start starts a collector that ends with the test.
func Start(tb testing.TB) *Collector {
	tb.Helper()
	c := &Collector{counts: map[string]uint64{}}
	s := httptest.NewServer(c)
	tb.Cleanup(func() {
		s.Close()
		for _, p := range c.problems {
			tb.Error(p)
		}
	})
	c.URL = s.URL
	return c
}

// ServeHTTP takes an export.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender left
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, r.Header)
	switch r.URL.Path {
	case "/v1/traces":
		err = c.takeTraces(body)
	case "/v1/metrics":
		err = c.takeMetrics(body)
	default:
		err = fmt.Errorf("there is nothing at %s", r.URL.Path)
	}
	if err != nil {
		c.problems = append(c.problems, "collector: "+err.Error())
		w.WriteHeader(http.StatusBadRequest)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *Collector) read(body []byte, m proto.Message) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return err
	}
	text, err := protojson.Marshal(m)
	c.text.Write(text)
	return err
}

func (c *Collector) takeTraces(body []byte) error {
	var m tracecollector.ExportTraceServiceRequest
	if err := c.read(body, &m); err != nil {
		return err
	}
	for _, resource := range m.ResourceSpans {
		service := attributes(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				span := Span{
					Service: service, Name: s.Name,
					Kind:  strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_")),
					Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId),
					Parent: hex.EncodeToString(s.ParentSpanId), State: s.TraceState,
					Failed:     s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR,
					Attributes: attributes(s.Attributes),
				}
				if len(s.Links) > 0 {
					span.Link = hex.EncodeToString(s.Links[0].SpanId)
				}
				c.spans = append(c.spans, span)
			}
		}
	}
	return nil
}

// takeMetrics keeps the newest count of every series of every instance.
func (c *Collector) takeMetrics(body []byte) error {
	var m metricscollector.ExportMetricsServiceRequest
	if err := c.read(body, &m); err != nil {
		return err
	}
	for _, resource := range m.ResourceMetrics {
		instance := attributes(resource.GetResource().GetAttributes())["service.instance.id"]
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.takeMetric(instance, m)
			}
		}
	}
	return nil
}

func (c *Collector) takeMetric(instance string, m *metrics.Metric) {
	for _, p := range m.GetHistogram().GetDataPoints() {
		c.counts[series(instance, m.Name, attributes(p.Attributes))] = p.Count
	}
	for _, p := range m.GetSum().GetDataPoints() {
		c.counts[series(instance, m.Name, attributes(p.Attributes))] = uint64(p.GetAsInt()) //nolint:gosec // a count
	}
}

// series is a text with every label in it, as " key=value ".
func series(instance, metric string, labels map[string]string) string {
	var b strings.Builder
	b.WriteString(metric + " ")
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(" " + key + "=" + labels[key] + " ")
	}
	return b.String() + " " + instance
}

func attributes(list []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			all[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			all[a.Key] = strconv.FormatInt(v.IntValue, 10)
		}
	}
	return all
}

// Spans returns the spans so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Named returns the spans of a name.
func (c *Collector) Named(name string) []Span {
	var found []Span
	for _, s := range c.Spans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// Count returns what a metric counted, over all instances, in series that have the labels:
// each a key and its value, like "postern.event=grant.revoked".
func (c *Collector) Count(metric string, labels ...string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum uint64
	for name, n := range c.counts {
		fits := strings.HasPrefix(name, metric+" ")
		for _, l := range labels {
			fits = fits && strings.Contains(name, " "+l+" ")
		}
		if fits {
			sum += n
		}
	}
	return sum
}

// Series returns how many series a metric has.
func (c *Collector) Series(metric string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for name := range c.counts {
		if strings.HasPrefix(name, metric+" ") {
			n++
		}
	}
	return n
}

// Metrics returns the names of the metrics so far, each once.
func (c *Collector) Metrics() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	for series := range c.counts {
		name, _, _ := strings.Cut(series, " ")
		names[name] = true
	}
	return names
}

// Text returns all that was sent, as JSON.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// Exports returns the headers of each export so far.
func (c *Collector) Exports() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...)
}
