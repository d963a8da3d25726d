package authorize

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestWire(t *testing.T) {
	t.Parallel()
	names := webtest.Options{
		Capture: []webtest.Replacement{
			{Name: "transaction", Pattern: regexp.MustCompile(`name="transaction" value="([\w=-]+)"`)},
			{Name: "cookie", Pattern: regexp.MustCompile(`Set-Cookie: (__Host-postern-consent-[\w-]{16}=[\w-]{43});`)},
		},
		Replace: []webtest.Replacement{
			{Name: "style", Pattern: regexp.MustCompile(`(?s)<style>(.*?)</style>`)},
			{Name: "style_hash", Pattern: regexp.MustCompile(`'sha256-([^']+)'`)},
			{Name: "id", Pattern: regexp.MustCompile(`__Host-postern-(?:consent|sign-in)-([\w-]{16})=`)},
			{Name: "sealed", Pattern: regexp.MustCompile(`=(gAAAA[\w=-]+);`)},
			{Name: "state", Pattern: regexp.MustCompile(`state=([\w-]{16}\.[\w-]{43})`)},
			{Name: "long", Pattern: regexp.MustCompile(`(s{1000,}|a{1000,})`)},
		},
	}
	webtest.Run(t, func(t *testing.T) http.Handler { return open(t, https, nil) }, "testdata/wire", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		f := open(t, https, nil)
		failing(&f.before, memory.OpGet)
		return f
	}, "testdata/faults", names)
}
