package parts

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/otlp"
)

// Observe gives env an observer if the settings name a collector. Every function of a program
// has the same one.
func Observe(ctx context.Context, env *boot.Env, r *config.Reader) {
	o := otlp.Options{
		Service:  cmp.Or(r.String("OTEL_SERVICE_NAME"), service(env)),
		Function: os.Getenv("K_SERVICE"), Revision: os.Getenv("K_REVISION"),
		Resident: env.Resident, Log: env.Log,
	}
	both := config.Parse(r, "OTEL_EXPORTER_OTLP_ENDPOINT", parseCollector)
	o.Traces = sends(r, "TRACES", both)
	o.Metrics = sends(r, "METRICS", both)
	for _, headers := range []string{"HEADERS", "TRACES_HEADERS", "METRICS_HEADERS"} {
		config.Parse(r, "OTEL_EXPORTER_OTLP_"+headers, parseHeaders)
	}
	r.Enum("OTEL_EXPORTER_OTLP_PROTOCOL")
	r.Enum("OTEL_TRACES_SAMPLER")
	config.Parse(r, "OTEL_TRACES_SAMPLER_ARG", parseRatio)
	if r.Bool("OTEL_SDK_DISABLED") || !o.Traces && !o.Metrics || env.Observer != nil {
		return
	}
	observer, err := otlp.New(ctx, o)
	if err != nil {
		r.Refuse("OTEL_RESOURCE_ATTRIBUTES", "or another variable of OpenTelemetry cannot be used: %s", err)
		return
	}
	env.Observer = observer
	env.OnClose(observer.Close)
}

// service is what a program is called that was given no name.
func service(env *boot.Env) string {
	if env.Resident {
		return "postern"
	}
	return "postern-" + env.Name
}

// sends reports whether a signal has a collector, its own or that of both.
func sends(r *config.Reader, signal, both string) bool {
	own := config.Parse(r, "OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", parseCollector)
	return r.Enum("OTEL_"+signal+"_EXPORTER") != "none" && cmp.Or(own, both) != ""
}

// parseCollector takes the address of a collector. Errors of sending name it, so that it has
// no secret.
func parseCollector(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("not an address of http or https")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("with more than an address")
	}
	return s, nil
}

// parseHeaders checks the form that OpenTelemetry's SDK reads; what is malformed it leaves out,
// and says nothing but the value.
func parseHeaders(s string) (string, error) {
	for pair := range strings.SplitSeq(s, ",") {
		name, value, found := strings.Cut(pair, "=")
		_, err := url.PathUnescape(value)
		if !found || strings.TrimSpace(name) == "" || err != nil {
			return "", errors.New("not name=value")
		}
	}
	return s, nil
}

func parseRatio(s string) (float64, error) {
	ratio, err := strconv.ParseFloat(s, 64)
	if err != nil || !(0 <= ratio && ratio <= 1) { // NaN is neither
		return 0, errors.New("not a number from 0 to 1")
	}
	return ratio, nil
}
