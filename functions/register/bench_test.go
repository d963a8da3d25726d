package register

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// BenchmarkRegister compares a registration over the in-memory driver with what it
// cannot do without: minting and hashing an id and a token, and sealing one record.
func BenchmarkRegister(b *testing.B) {
	s := newServer(b)
	label := seal.Label{Purpose: "record", Collection: "clients", Document: credential.Hash("x"), Field: "body"}
	record := make([]byte, 500)
	benchtest.Ratio(b, func() {
		s.Lines.Reset()
		s.Clock.Advance(time.Minute) // past the limit on one source
		r := httptest.NewRequest(http.MethodPost, "/register", strings.NewReader(publicBody))
		r.Header.Set("Content-Type", "application/json")
		w := &benchtest.Sink{}
		s.ServeHTTP(w, r)
		if w.Status != http.StatusCreated {
			b.Fatalf("got %d %s", w.Status, w.Body)
		}
	}, func() {
		for range 2 {
			_ = credential.New("").Hash()
		}
		if _, err := s.Sealer.Seal(b.Context(), label, record); err != nil {
			b.Fatal(err)
		}
	})
}
