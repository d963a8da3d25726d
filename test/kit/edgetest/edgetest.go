// Package edgetest puts a handler behind the edge, for tests of what stands there.
package edgetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// Origin reads an origin, which has to be one.
func Origin(tb testing.TB, s string) origin.Origin {
	tb.Helper()
	o, err := origin.Parse(s)
	fixture.Must(tb, err)
	return o
}

// Deployment returns one at https://auth.example.com.
func Deployment(tb testing.TB) edge.Deployment {
	tb.Helper()
	return edge.Deployment{Issuer: Origin(tb, "https://auth.example.com")}
}

// Routes returns h itself if it is a Mux, or one that gives h everything.
func Routes(h http.Handler) *edge.Mux {
	if m, ok := h.(*edge.Mux); ok {
		return m
	}
	return edge.Everything(h)
}

// Serve wraps h and gives it a request with these header lines ("Name: value").
func Serve(h http.Handler, o edge.Options, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, l := range headers {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	edge.Wrap(Routes(h), o).ServeHTTP(w, r)
	return w
}
