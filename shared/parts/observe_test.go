package parts

import (
	"log/slog"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

const (
	endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	protocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
)

func observe(t *testing.T, settings map[string]string) (*boot.Env, error) {
	t.Helper()
	env := &boot.Env{Name: "token", Lookup: config.Map(settings), Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { _ = env.Close() })
	r := env.Settings()
	Observe(t.Context(), env, r)
	return env, r.Err()
}

// Nothing is made unless a collector is named, and nothing runs.
func TestWithoutACollectorNothingIsObserved(t *testing.T) {
	for _, settings := range []map[string]string{
		{},
		{"OTEL_SERVICE_NAME": "mine", "OTEL_TRACES_SAMPLER": "always_on"},
		{endpoint: "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"},
		{endpoint: "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
	} {
		before := runtime.NumGoroutine()
		env, err := observe(t, settings)
		if err != nil || env.Observer != nil {
			t.Errorf("%v: got %v, %v; want nothing", settings, env.Observer, err)
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%v: %d goroutines were started", settings, after-before)
		}
	}
}

// A collector of one signal is enough, and a function starts nothing that runs by itself.
func TestACollectorIsNamedForBothOrForOne(t *testing.T) {
	for _, settings := range []map[string]string{
		{endpoint: "https://otlp.example.com/base/"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"},
		{endpoint: "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none", protocol: "http/protobuf"},
	} {
		before := runtime.NumGoroutine()
		env, err := observe(t, settings)
		if err != nil || env.Observer == nil {
			t.Errorf("%v: got %v, %v; want an observer", settings, env.Observer, err)
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%v: %d goroutines were started", settings, after-before)
		}
	}
}

// Every function of a program has the same observer.
func TestAProgramHasOneObserver(t *testing.T) {
	t.Parallel()
	env, _ := observe(t, map[string]string{endpoint: "http://127.0.0.1:4318"})
	first := env.Observer
	Observe(t.Context(), env, env.Settings())
	if env.Observer != first {
		t.Error("got a second observer")
	}
}

func TestABadCollectorStopsTheStart(t *testing.T) {
	t.Parallel()
	for setting, values := range map[string][]string{
		endpoint:                              {"127.0.0.1:4318", "c", "grpc://c", "http://", "https://c/?key=canary"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":  {"https://me:canary@c/v1/traces"},
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": {"https://c/#x"},
		protocol:                              {"grpc", "http/json"},
		"OTEL_EXPORTER_OTLP_HEADERS":          {"canary", "=canary", "a=b,canary", "a=canary%zz"},
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":   {"canary"},
		"OTEL_EXPORTER_OTLP_METRICS_HEADERS":  {"canary"},
		"OTEL_TRACES_SAMPLER":                 {"jaeger_remote"},
		"OTEL_TRACES_SAMPLER_ARG":             {"2", "-1", "some", "NaN"},
		"OTEL_TRACES_EXPORTER":                {"console"},
		"OTEL_SDK_DISABLED":                   {"yes"},
	} {
		for _, value := range values {
			settings := map[string]string{endpoint: "http://127.0.0.1:4318"}
			maps.Copy(settings, map[string]string{setting: value})
			_, err := observe(t, settings)
			if err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("%s=%s: got %v, want a problem that names it", setting, value, err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v, want no secret in it", setting, err)
			}
		}
	}
}
