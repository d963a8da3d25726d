package token

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/webtest"
)

func TestWire(t *testing.T) {
	t.Parallel()
	code, codeBasic := "ac_"+strings.Repeat("A", 43), "ac_"+strings.Repeat("B", 43)
	names := webtest.Options{
		Every: webtest.API.And("Pragma: no-cache"), // RFC 6749 §5.1
		Set: map[string]string{"code": code, "code_basic": codeBasic, "basic": basic(basicID, secretOf(basicID)),
			"refresh": "rt_x", "access": "x", "server": basic(serverID, secretOf(serverID))},
		Capture: []webtest.Replacement{
			{Name: "refresh", Pattern: regexp.MustCompile(`"refresh_token":"(rt_[\w-]{91})"`)},
			{Name: "access", Pattern: regexp.MustCompile(`"access_token":"(eyJ[\w-]+\.[\w-]+\.[\w-]{86})"`)},
		},
		Replace: []webtest.Replacement{{Name: "jti", Pattern: regexp.MustCompile(`"jti":"([\w-]{43})"`)}},
	}
	start := func(t *testing.T) *endpoint {
		f := open(t, nil)
		f.issue(t, publicID, code, nil)
		f.issue(t, basicID, codeBasic, nil)
		return f
	}
	webtest.Run(t, func(t *testing.T) http.Handler { return start(t) }, "testdata/wire", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		f := open(t, func(f *endpoint) {
			admin, err := oauth.ParseScopeSet(`[{"name":"admin","words":"a"}]`)
			must(t, err)
			f.Resources = oauth.NewResources(admin, oauth.Resource{Path: "/mcp/wiki", Title: "Wiki"})
		})
		f.issue(t, publicID, code, func(l *store.Login) { l.Record.Resource = issuer + "/mcp/wiki" })
		return f
	}, "testdata/several", names)
	webtest.Run(t, func(t *testing.T) http.Handler {
		f := start(t)
		f.Faults.Before(fixture.Down(memory.OpGet))
		return f
	}, "testdata/faults", names)
}
