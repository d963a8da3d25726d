package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
)

func parse(t testing.TB, s string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func deployment(t testing.TB) edge.Deployment {
	return edge.Deployment{Issuer: parse(t, "https://auth.example.com")}
}

// serve gives h, behind the edge, a request with these header lines ("Name: value").
func serve(h http.Handler, o edge.Options, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	m, ok := h.(*edge.Mux)
	if !ok {
		m = edge.Everything(h)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, l := range headers {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	edge.Wrap(m, o).ServeHTTP(w, r)
	return w
}
