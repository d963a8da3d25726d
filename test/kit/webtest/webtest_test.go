package webtest_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestExchangesAreReplayed(t *testing.T) {
	t.Parallel()
	webtest.Run(t, func(*testing.T) http.Handler {
		key := rand.Text()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", rand.Text()[:16])
			w.Header()["Date"] = []string{"now"}
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, "key="+r.FormValue("key")+" from "+r.RemoteAddr)
				return
			}
			w.WriteHeader(http.StatusCreated)
			b, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, "made "+key+" for "+string(b))
		})
	}, "testdata", webtest.Options{
		Set:     map[string]string{"who": "me"},
		Capture: []webtest.Replacement{{Name: "key", Pattern: regexp.MustCompile(`(?:made |key=)([A-Z2-7]{26})`)}},
	})
}
