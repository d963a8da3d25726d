package authorize

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// BenchmarkConsentPage compares the page of an authorization request over the in-memory
// driver with what it cannot do without: opening the client's record and sealing the
// request.
func BenchmarkConsentPage(b *testing.B) {
	f := open(b, "https://auth.example.com", nil)
	target := f.request()
	label := seal.Label{Purpose: "record", Collection: "clients", Document: credential.Hash("x"), Field: "body"}
	record, err := f.Box.Seal(b.Context(), label, make([]byte, 500))
	if err != nil {
		b.Fatal(err)
	}
	transaction := []byte(strings.Repeat("x", 500))
	benchtest.Ratio(b, func() {
		w := &benchtest.Sink{}
		f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Status != http.StatusOK {
			b.Fatalf("got %d %s", w.Status, w.Body)
		}
	}, func() {
		_ = credential.New("").Hash()
		if _, err := f.Box.Open(b.Context(), label, record); err != nil {
			b.Fatal(err)
		}
		if _, err := f.Box.Seal(b.Context(), label, transaction); err != nil {
			b.Fatal(err)
		}
	})
}
