package edge

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/postern-dev/postern/shared/telemetry"
)

// observe begins the span of a request.
func (o *Options) observe(ctx context.Context, r *http.Request, route string) (context.Context, telemetry.Span) {
	telemetry.Observe(ctx, o.Observer)
	route = cmp.Or(route, "unknown")
	method := methodOf(r)
	ctx, span := telemetry.StartRequest(ctx, telemetry.KindRequest, method+" "+route)
	span.Label(telemetry.EndpointLabel, o.Endpoint)
	span.Label("http.request.method", method)
	span.Label("http.route", route)
	scheme := "http"
	if o.Issuer.Secure() {
		scheme = "https"
	}
	span.Label("url.scheme", scheme)
	span.Set("postern.request_id", telemetry.RequestID(ctx))
	return ctx, span
}

// methodOf is a method that HTTP knows, or what stands for all others.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	}
	return "_OTHER"
}

// endSpan ends the span of a request with what its line has of who called, and sends what was
// observed. A refusal is no failure of a server; a status of 5xx is.
func endSpan(r *http.Request, span telemetry.Span, status int, fields []slog.Attr) {
	outcome, failure := "ok", ""
	for _, f := range fields {
		switch f.Key {
		case "outcome":
			outcome = f.Value.String()
		case "client_id", "grant", "person":
			span.Set("postern."+f.Key, f.Value.String())
		}
	}
	span.Label("http.response.status_code", strconv.Itoa(status))
	if status >= http.StatusInternalServerError {
		failure = strconv.Itoa(status)
	}
	span.End(outcome, failure)
	telemetry.Flush(r.Context())
}

// traceOf reads a request's place in a trace.
func traceOf(h http.Header) telemetry.Trace {
	t := telemetry.ParseTrace(h["Traceparent"], h["X-Cloud-Trace-Context"])
	t.State = strings.Join(h["Tracestate"], ",")
	return t
}
