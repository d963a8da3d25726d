package authorize

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestWire(t *testing.T) {
	t.Parallel()
	names := webtest.Options{
		Every: webtest.Pages,
		Capture: []webtest.Replacement{
			{Name: "transaction", Pattern: regexp.MustCompile(`name="transaction" value="([\w=-]+)"`)},
			{Name: "cookie", Pattern: regexp.MustCompile(`Set-Cookie: (__Host-postern-consent-[\w-]{16}=[\w-]{43});`)},
		},
		Replace: []webtest.Replacement{
			// What frames every page. A page that has it otherwise shows it.
			{Name: "page", Pattern: regexp.MustCompile(`(?m)^(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">)
<title>`)},
			{Name: "main", Pattern: regexp.MustCompile(`(?s)(<style>[^<]*</style>
</head>
<body>
<main>)
<h1>`)},
			{Name: "end", Pattern: regexp.MustCompile(`(<footer>Request \{request_id\}</footer>
</main>
</body>
</html>)
$`)},
			{Name: "id", Pattern: regexp.MustCompile(`__Host-postern-(?:consent|sign-in)-([\w-]{16})=`)},
			{Name: "sealed", Pattern: regexp.MustCompile(`=(gAAAA[\w=-]+);`)},
			{Name: "state", Pattern: regexp.MustCompile(`state=([\w-]{16}\.\w+\.[\w-]{43})`)},
			{Name: "long", Pattern: regexp.MustCompile(`(s{1000,}|a{1000,})`)},
		},
	}
	webtest.Run(t, func(t *testing.T) http.Handler { return open(t, https, nil) }, "testdata/wire", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		f := open(t, https, nil)
		f.Faults.Before(fixture.Down(memory.OpGet))
		return f
	}, "testdata/faults", names)
}
