package oauth

import (
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// several are /mcp with two beside it.
func several() Resources {
	return NewResources(ScopeSet{}, Resource{Path: "/mcp/wiki", Title: "Wiki"}, Resource{Path: "/mcp/crm"})
}

// The spellings that clients send of the one resource mean it, and so does none (AT-02, AT-03, D1,
// D3, D4, W3, GEN-14).
func TestResourceMeansTheMCPEndpoint(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		values []string
	}{
		{"none", nil},
		{"empty counts as none", []string{""}},
		{"exact", []string{"https://auth.example.com/mcp"}},
		{"trailing slash", []string{"https://auth.example.com/mcp/"}},
		{"bare origin", []string{"https://auth.example.com"}},
		{"bare origin with a slash", []string{"https://auth.example.com/"}},
		{"host in capitals", []string{"https://AUTH.Example.com/mcp"}},
		{"scheme in capitals", []string{"HTTPS://auth.example.com/mcp"}},
		{"default port", []string{"https://auth.example.com:443/mcp"}},
		{"query", []string{"https://auth.example.com/mcp?x=1"}},
		{"empty query", []string{"https://auth.example.com/mcp?"}},
		{"twice", []string{"https://auth.example.com/mcp", "https://auth.example.com/mcp"}},
		{"in several spellings", []string{
			"https://auth.example.com/mcp", "https://auth.example.com", "", "https://auth.example.com/mcp/?x",
		}},
	} {
		for what, rs := range map[string]Resources{"alone": {}, "beside others": several()} {
			got, err := rs.Parse(row.values, testIssuer)
			if err != nil || got.ID(testIssuer) != "https://auth.example.com/mcp" {
				t.Errorf("%s, %s: got %q, %v; want /mcp", row.name, what, got.Path, err)
			}
		}
	}
}

// Every other resource is invalid_target (RFC 8707 §2), however near its spelling comes, beside
// ours too (AT-01, AT-02).
func TestForeignResourceIsInvalidTarget(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		values []string
	}{
		{"other host", []string{"https://other.example.com/mcp"}},
		{"other path", []string{"https://auth.example.com/other"}},
		{"below", []string{"https://auth.example.com/mcp/x"}},
		{"prefix", []string{"https://auth.example.com/mcpx"}},
		{"host suffix", []string{"https://auth.example.com.evil.test/mcp"}},
		{"scheme", []string{"http://auth.example.com/mcp"}},
		{"port", []string{"https://auth.example.com:8443/mcp"}},
		{"empty port", []string{"https://auth.example.com:/mcp"}},
		{"port 80 is not the default of https", []string{"https://auth.example.com:80/mcp"}},
		{"path in capitals", []string{"https://auth.example.com/MCP"}},
		{"two slashes", []string{"https://auth.example.com/mcp//"}},
		{"two slashes at the root", []string{"https://auth.example.com//"}},
		{"escaped path", []string{"https://auth.example.com/%6dcp"}},
		{"dot segment", []string{"https://auth.example.com/x/../mcp"}},
		{"fragment", []string{"https://auth.example.com/mcp#x"}},
		{"empty fragment", []string{"https://auth.example.com/mcp#"}},
		{"user information", []string{"https://x@auth.example.com/mcp"}},
		{"empty user information", []string{"https://@auth.example.com/mcp"}},
		{"relative", []string{"/mcp"}},
		{"no scheme", []string{"//auth.example.com/mcp"}},
		{"name only", []string{"mcp"}},
		{"opaque", []string{"https:auth.example.com/mcp"}},
		{"trailing dot", []string{"https://auth.example.com./mcp"}},
		{"line break", []string{"https://auth.example.com/mcp\n"}},
		{"space", []string{" https://auth.example.com/mcp"}},
		{"backslash", []string{"https://auth.example.com\\mcp"}},
		{"full-width dot", []string{"https://auth.example\uff0ecom/mcp"}},
		{"long", []string{"https://auth.example.com/mcp?" + strings.Repeat("a", 2000)}},
		{"two", []string{"https://auth.example.com/mcp", "https://other.example.com/mcp"}},
	} {
		for what, rs := range map[string]Resources{"alone": {}, "beside others": several()} {
			if got, err := rs.Parse(row.values, testIssuer); code(t, err) != InvalidTarget || got.Path != "" {
				t.Errorf("%s, %s: got %q, %v; want invalid_target", row.name, what, got.Path, err)
			}
		}
	}
}

// A development issuer has a port of its own and http.
func TestResourceOfADevelopmentServer(t *testing.T) {
	t.Parallel()
	const issuer = "http://127.0.0.1:8085"
	for value, want := range map[string]string{
		issuer + "/mcp":             issuer + "/mcp",
		issuer:                      issuer + "/mcp",
		"http://127.0.0.1/mcp":      "",
		"http://localhost:8085/mcp": "",
		"https://127.0.0.1:8085":    "",
	} {
		got, err := Resources{}.Parse([]string{value}, issuer)
		if (want == "") != (err != nil) || err == nil && got.ID(issuer) != want {
			t.Errorf("%q: got %q, %v; want %q", value, got.Path, err, want)
		}
	}
}

// FuzzResource asks a browser's parser where an accepted value leads.
func FuzzResource(f *testing.F) {
	for _, seed := range []string{
		"", testIssuer, testIssuer + "/mcp/", testIssuer + ":443/mcp?x", testIssuer + "/mcp/wiki/",
		"HTTPS://AUTH.example.com/mcp",
		"https://auth.example.com/%6dcp", "https:/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := several().Parse([]string{value}, testIssuer)
		if err != nil {
			if code(t, err) != InvalidTarget || got.Path != "" {
				t.Fatalf("got %q, %v; want invalid_target alone", got.Path, err)
			}
			return
		}
		if value == "" {
			return
		}
		u, err := whatwg.Parse(value)
		if err != nil {
			t.Fatalf("%q is accepted and a browser refuses it: %v", value, err)
		}
		path := strings.TrimSuffix(u.Pathname(), "/")
		leads := u.Protocol() + "//" + u.Host()
		there := path == got.Path || path == "" && got.Path == MCPPath
		if leads != testIssuer || !there || u.Hash() != "" || u.Username() != "" {
			t.Fatalf("%q is accepted and leads to %q", value, u.Href(false))
		}
	})
}

// Each resource is named by its own URL, in the same spellings, and a token is for one: two
// are invalid_target, though each of them is there (AT-01, RFC 8707 §2).
func TestEachResourceHasItsName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"/mcp/wiki": "/mcp/wiki", "/mcp/wiki/": "/mcp/wiki", "/mcp/crm?x": "/mcp/crm", "/mcp": "/mcp",
		"/mcp/wikis": "", "/mcp/Wiki": "", "/mcp/wiki/x": "", "/wiki": "", "/mcp/wiki//": "", "/mcp/%77iki": "",
	} {
		got, err := several().Parse([]string{testIssuer + value}, testIssuer)
		if (want == "") != (err != nil) || got.Path != want {
			t.Errorf("%s: got %q, %v; want %q", value, got.Path, err, want)
		}
	}
	for _, second := range []string{"/mcp/crm", "/mcp", ""} {
		both := []string{testIssuer + "/mcp/wiki", testIssuer + second}
		if got, err := several().Parse(both, testIssuer); code(t, err) != InvalidTarget || got.Path != "" {
			t.Errorf("%v: got %q, %v; want invalid_target", both, got.Path, err)
		}
	}
	if r, ok := several().Of(testIssuer+"/mcp/crm", testIssuer); !ok || r.Path != "/mcp/crm" {
		t.Errorf("got %v, %t; want /mcp/crm", r, ok)
	}
	if r, ok := several().Of(testIssuer+"/mcp/gone", testIssuer); ok {
		t.Errorf("got %v, want none", r)
	}
}

// The scopes of all resources are known to a registration, which is for all of them; the first
// one of a name counts.
func TestScopesOfAllResources(t *testing.T) {
	t.Parallel()
	rs := NewResources(
		scopeSet(t, `[{"name":"admin","words":"first"}]`),
		Resource{Path: "/mcp/a", Scopes: scopeSet(t, `[{"name":"admin","words":"second"},{"name":"b","words":"b"}]`)},
	)
	if got := rs.Scopes().Known().String(); got != "mcp admin b" {
		t.Errorf("got %q, want the scopes of both once", got)
	}
	if got := rs.Scopes().Words("admin"); got != "first" {
		t.Errorf("got %q, want the words of the first", got)
	}
}
