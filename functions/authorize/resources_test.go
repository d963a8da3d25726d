package authorize

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

func scopesOf(t *testing.T, list string) oauth.ScopeSet {
	t.Helper()
	set, err := oauth.ParseScopeSet(list)
	must(t, err)
	return set
}

// A request is for one resource: the page says which, in the words of its own scopes, and the
// grant is for that one and has no scope of another (AT-01, CD-06, I2).
func TestASignInIsForOneResource(t *testing.T) {
	t.Parallel()
	s := serve(t, func(f *endpoint) {
		f.Resources = oauth.NewResources(
			scopesOf(t,
				`[{"name":"admin","words":"delete tools"},{"name":"read","words":"read tools","default":true}]`),
			oauth.Resource{Path: "/mcp/wiki", Title: "Wiki of <Acme>", Scopes: scopesOf(t,
				`[{"name":"admin","words":"delete pages"},{"name":"edit","words":"edit pages","default":true}]`)},
		)
	})
	for _, row := range []struct{ path, asked, scopes, title, words string }{
		{"/mcp/wiki", "", "mcp edit", "Wiki of &lt;Acme&gt;", "edit pages"},
		{"/mcp/wiki/", "mcp read admin", "mcp admin", "Wiki of &lt;Acme&gt;", "delete pages"},
		{"/mcp", "admin edit", "mcp admin", "Postern MCP server", "delete tools"},
		{"", "edit", "mcp read", "Postern MCP server", "read tools"},
	} {
		u := s.request("scope", row.asked, "resource", s.origin+row.path)
		page := s.send(t, http.MethodGet, u, "").Body.String()
		for _, text := range []string{"<dt>Access to</dt><dd><bdi>" + row.title, row.words} {
			if !strings.Contains(page, text) {
				t.Errorf("%s %q: got %s, want %q on the page", row.path, row.asked, page, text)
			}
		}
		q := s.signIn(t, s.browser(loopbackURI), u, "octocat")
		want := s.origin + "/mcp"
		if strings.Contains(row.path, "wiki") {
			want += "/wiki"
		}
		if g := s.redeem(t, q.Get("code")); g.Scopes.String() != row.scopes || g.Resource != want {
			t.Errorf("%s %q: got %q for %s, want %q for %s",
				row.path, row.asked, g.Scopes, g.Resource, row.scopes, want)
		}
	}
}

// Two resources, or one that is not there, stop the sign-in (RFC 8707 §2, AT-01).
func TestASignInIsForNoOtherResource(t *testing.T) {
	t.Parallel()
	s := serve(t, func(f *endpoint) {
		f.Resources = oauth.NewResources(oauth.ScopeSet{}, oauth.Resource{Path: "/mcp/wiki", Title: "Wiki"})
	})
	for _, resources := range []string{
		s.origin + "/mcp/crm", s.origin + "/mcp/wiki&resource=" + s.origin + "/mcp",
	} {
		u := s.request() + "&resource=" + resources
		w := s.send(t, http.MethodGet, u, "")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "invalid_target") {
			t.Errorf("%s: got %d, want invalid_target", resources, w.Code)
		}
	}
}
