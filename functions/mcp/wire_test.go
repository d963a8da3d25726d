package mcp

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestMessagesOnTheWire(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	webtest.Run(t, func(*testing.T) http.Handler { return h }, "testdata", webtest.Options{
		Every:   webtest.API,
		Set:     map[string]string{"token": conn.token},
		Replace: []webtest.Replacement{{Name: "client_id", Pattern: regexp.MustCompile(`c_[\w-]{43}`)}},
	})
}
