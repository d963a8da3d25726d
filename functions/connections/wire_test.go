package connections

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestWire(t *testing.T) {
	t.Parallel()
	webtest.Run(t, func(t *testing.T) http.Handler { return open(t) }, "testdata/wire", webtest.Options{
		Every: webtest.Pages,
		Replace: []webtest.Replacement{
			{Name: "etag", Pattern: regexp.MustCompile(`Etag: ("[\w-]+")`)},
			{Name: "style", Pattern: regexp.MustCompile(`(?s)<style>([^<]*)</style>`)},
		},
	})
}
