package mcp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/webtest"
)

// standSeveral puts a server behind each name, beside the built-in tools at /mcp.
func (f *endpoint) standSeveral(t *testing.T, names ...string) {
	t.Helper()
	f.Identity = &identity.Signer{Ring: keyfile.Static(signing.Generate()), Now: f.Clock.Now}
	f.Endpoints = []Endpoint{{Resource: oauth.Resources{}.All()[0]}}
	for _, name := range names {
		server := httptest.NewServer(http.HandlerFunc(answerBehind))
		t.Cleanup(server.Close)
		u, err := url.Parse(server.URL)
		must(t, err)
		f.Endpoints = append(f.Endpoints, Endpoint{
			Resource: oauth.Resource{Path: "/mcp/" + name, Title: name},
			Upstream: NewUpstream(proxy.New(u, 0), behind.Calling{Identity: behind.JWT}),
		})
	}
}

func TestSeveralResourcesOnTheWire(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.standSeveral(t, "wiki", "crm")
	h := f.open(t)
	webtest.Run(t, func(*testing.T) http.Handler { return h }, "testdata/several", webtest.Options{
		Every: webtest.API,
		Set: map[string]string{
			"token": f.connect(t, "octocat", "Client", nil).token, "wiki": f.connectTo(t, "/mcp/wiki").token,
		},
	})
}

// A token whose audience is not what its grant is for was made by nobody: it is refused, though
// it is signed (AT-01).
func TestATokenAndItsGrantAreForOneResource(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.standSeveral(t, "wiki")
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil, func(g *store.Code) { g.Resource = issuer + "/mcp/wiki" }).token
	mustCode(t, h, request(t.Context(), token, listTools), http.StatusUnauthorized)
}

// Every entry that cannot be used is named, all at once, and a URL is not repeated.
func TestEveryBadServerIsNamed(t *testing.T) {
	t.Parallel()
	env := &boot.Env{Lookup: settings(map[string]string{"MCP_UPSTREAMS": `[
		{"name":"Wiki","url":"https://wiki.example.com/mcp"},
		{"name":"a","url":"https://user:canary@a.example.com/mcp","title":"x\n"},
		{"name":"b","url":"https://b.example.com/mcp","scopes":[{"name":"b"}]},
		{"name":"b","url":"https://b.example.com/mcp"},
		{"name":"c","url":"https://c.example.com/mcp","secret":"canary"},
		"d"]`})}
	_, err := boot.Open(t.Context(), "mcp", build, env)
	if err == nil {
		t.Fatal("got no error, want one")
	}
	for _, want := range []string{
		`number 1 ("Wiki"): name must be`, `number 2 ("a"): url has user information`, `number 2 ("a"): title`,
		`number 3 ("b"): scopes: `, `number 4 ("b"): the name is taken`, `number 5 ("c"): a member is not known`,
		`number 6 (""): `, "MCP_UPSTREAMS is set without IDENTITY_KEYS_FILE",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want no secret in it", err)
	}
	for _, list := range []string{"{}", "[]", "x", "null", strings.Repeat(" ", 10)} {
		env := &boot.Env{Lookup: settings(map[string]string{"MCP_UPSTREAMS": list})}
		if _, err := boot.Open(t.Context(), "mcp", build, env); err == nil ||
			!strings.Contains(err.Error(), "MCP_UPSTREAMS is not a JSON array") {
			t.Errorf("%s: got %v, want a problem of MCP_UPSTREAMS", list, err)
		}
	}
}

// A server behind that fails does so alone, and its lines name it; whatever it sends, it sets
// nothing for another path or for us (MP-19, MP-20).
func TestAServerThatFailsDoesSoAlone(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Log = f.Lines.Logger()
	f.Edge.Log = f.Log
	f.standSeveral(t, "wiki", "crm")
	hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b; Path=/")
		w.Header().Set("Access-Control-Allow-Origin", "https://evil.example")
		w.Header().Set("Www-Authenticate", `Bearer resource_metadata="https://evil.example"`)
		_, _ = io.WriteString(w, strings.Replace(behindAnswer, `"id":1`, `"id":2`, 1))
	}))
	t.Cleanup(hostile.Close)
	u, err := url.Parse(hostile.URL)
	must(t, err)
	f.Endpoints[1].Upstream = NewUpstream(proxy.New(u, 0), behind.Calling{Identity: behind.JWT})
	h := f.open(t)
	for path, want := range map[string]int{"/mcp/wiki": http.StatusBadGateway, "/mcp/crm": http.StatusOK} {
		r := request(t.Context(), f.connectTo(t, path).token, listTools)
		r.URL.Path, r.RequestURI = path, path
		w := mustCode(t, h, r, want)
		if len(w.Header()["Set-Cookie"])+len(w.Header()["Www-Authenticate"]) > 0 ||
			w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: got %v, want our headers", path, w.Header())
		}
		if a := answerOf(t, w.Body); string(a.ID) != "1" || (a.Error != nil) != (want != http.StatusOK) {
			t.Errorf("%s: got %+v, want an answer under the id that was asked", path, a)
		}
	}
	if line := f.Lines.String(); !strings.Contains(line, `"upstream":"`+hostile.URL+` (wiki)"`) ||
		!strings.Contains(line, "a response to another request") {
		t.Errorf("log: got %s, want the server and why", line)
	}
}
