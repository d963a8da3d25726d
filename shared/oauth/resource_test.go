package oauth

import (
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

func TestResourceMeansTheMCPEndpoint(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		values []string
	}{
		{"D4, AT-03 none", nil},
		{"GEN-14 empty counts as none", []string{""}},
		{"exact", []string{"https://auth.example.com/mcp"}},
		{"D1 trailing slash", []string{"https://auth.example.com/mcp/"}},
		{"W3 bare origin", []string{"https://auth.example.com"}},
		{"W3, D1 bare origin with a slash", []string{"https://auth.example.com/"}},
		{"AT-02 host in capitals", []string{"https://AUTH.Example.com/mcp"}},
		{"AT-02 scheme in capitals", []string{"HTTPS://auth.example.com/mcp"}},
		{"AT-02 default port", []string{"https://auth.example.com:443/mcp"}},
		{"D3 query", []string{"https://auth.example.com/mcp?x=1"}},
		{"D3 empty query", []string{"https://auth.example.com/mcp?"}},
	} {
		if got, err := ParseResource(row.values, testIssuer); err != nil || got != "https://auth.example.com/mcp" {
			t.Errorf("%s: got %q, %v; want https://auth.example.com/mcp", row.name, got, err)
		}
	}
}

func TestForeignResourceIsInvalidTarget(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		values []string
	}{
		{"AT-01 other host", []string{"https://other.example.com/mcp"}},
		{"AT-01 other path", []string{"https://auth.example.com/other"}},
		{"AT-01 below", []string{"https://auth.example.com/mcp/x"}},
		{"AT-01 prefix", []string{"https://auth.example.com/mcpx"}},
		{"AT-01 host suffix", []string{"https://auth.example.com.evil.test/mcp"}},
		{"AT-02 scheme", []string{"http://auth.example.com/mcp"}},
		{"AT-02 port", []string{"https://auth.example.com:8443/mcp"}},
		{"AT-02 empty port", []string{"https://auth.example.com:/mcp"}},
		{"AT-02 port 80 is not the default of https", []string{"https://auth.example.com:80/mcp"}},
		{"AT-02 path in capitals", []string{"https://auth.example.com/MCP"}},
		{"AT-02 two slashes", []string{"https://auth.example.com/mcp//"}},
		{"AT-02 two slashes at the root", []string{"https://auth.example.com//"}},
		{"AT-02 escaped path", []string{"https://auth.example.com/%6dcp"}},
		{"AT-02 dot segment", []string{"https://auth.example.com/x/../mcp"}},
		{"AT-02 fragment", []string{"https://auth.example.com/mcp#x"}},
		{"AT-02 empty fragment", []string{"https://auth.example.com/mcp#"}},
		{"AT-02 user information", []string{"https://x@auth.example.com/mcp"}},
		{"AT-02 empty user information", []string{"https://@auth.example.com/mcp"}},
		{"AT-02 relative", []string{"/mcp"}},
		{"AT-02 no scheme", []string{"//auth.example.com/mcp"}},
		{"AT-02 name only", []string{"mcp"}},
		{"AT-02 opaque", []string{"https:auth.example.com/mcp"}},
		{"AT-02 trailing dot", []string{"https://auth.example.com./mcp"}},
		{"AT-02 line break", []string{"https://auth.example.com/mcp\n"}},
		{"AT-02 space", []string{" https://auth.example.com/mcp"}},
		{"AT-02 backslash", []string{"https://auth.example.com\\mcp"}},
		{"AT-02 full-width dot", []string{"https://auth.example\uff0ecom/mcp"}},
		{"AT-02 long", []string{"https://auth.example.com/mcp?" + strings.Repeat("a", 2000)}},
		{"AT-02 two", []string{"https://auth.example.com/mcp", "https://other.example.com/mcp"}},
		{"AT-02 the same twice", []string{"https://auth.example.com/mcp", "https://auth.example.com/mcp"}},
		{"AT-02 ours and nothing", []string{"https://auth.example.com/mcp", ""}},
	} {
		if got, err := ParseResource(row.values, testIssuer); code(t, err) != InvalidTarget || got != "" {
			t.Errorf("%s: got %q, %v; want invalid_target", row.name, got, err)
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
		if got, _ := ParseResource([]string{value}, issuer); got != want {
			t.Errorf("ParseResource(%q) = %q, want %q", value, got, want)
		}
	}
}

// FuzzResource asks a browser's parser where an accepted value leads.
func FuzzResource(f *testing.F) {
	for _, seed := range []string{"", testIssuer, testIssuer + "/mcp/", testIssuer + ":443/mcp?x", "HTTPS://AUTH.example.com/mcp", "https://auth.example.com/%6dcp", "https:/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := ParseResource([]string{value}, testIssuer)
		if err != nil {
			if code(t, err) != InvalidTarget || got != "" {
				t.Fatalf("got %q, %v; want invalid_target alone", got, err)
			}
			return
		}
		if got != Resource(testIssuer) {
			t.Fatalf("ParseResource(%q) = %q, want the one resource", value, got)
		}
		if value == "" {
			return
		}
		u, err := whatwg.Parse(value)
		if err != nil {
			t.Fatalf("%q is accepted and a browser refuses it: %v", value, err)
		}
		path := strings.TrimSuffix(u.Pathname(), "/")
		if u.Protocol()+"//"+u.Host() != testIssuer || path != "" && path != "/mcp" || u.Hash() != "" || u.Username() != "" {
			t.Fatalf("%q is accepted and leads to %q", value, u.Href(false))
		}
	})
}
