package oauth

import (
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

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
		if got, err := ParseResource(row.values, testIssuer); err != nil || got != "https://auth.example.com/mcp" {
			t.Errorf("%s: got %q, %v; want https://auth.example.com/mcp", row.name, got, err)
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
	for _, seed := range []string{
		"", testIssuer, testIssuer + "/mcp/", testIssuer + ":443/mcp?x", "HTTPS://AUTH.example.com/mcp",
		"https://auth.example.com/%6dcp", "https:/x",
	} {
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
		leads := u.Protocol() + "//" + u.Host()
		if leads != testIssuer || path != "" && path != "/mcp" || u.Hash() != "" || u.Username() != "" {
			t.Fatalf("%q is accepted and leads to %q", value, u.Href(false))
		}
	})
}
