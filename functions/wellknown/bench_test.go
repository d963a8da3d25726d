package wellknown

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// BenchmarkMetadata compares a metadata document with a handler that has its bytes and
// does nothing else.
func BenchmarkMetadata(b *testing.B) {
	origin, err := origin.Parse("https://auth.example.com")
	if err != nil {
		b.Fatal(err)
	}
	h, err := New(Config{Edge: edge.Deployment{Issuer: origin}, Keys: keyfile.Static(sampleKeys(b))})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil)
	first := &benchtest.Sink{}
	h.ServeHTTP(first, r)
	if first.Status != http.StatusOK {
		b.Fatalf("got %d %s", first.Status, first.Body)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(first.Body)
	})
	benchtest.Ratio(b, func() { h.ServeHTTP(&benchtest.Sink{}, r) }, func() { bare.ServeHTTP(&benchtest.Sink{}, r) })
}
