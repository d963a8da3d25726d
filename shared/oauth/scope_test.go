package oauth

import (
	"slices"
	"strings"
	"testing"
)

// Unknown scopes are dropped, none means all, and offline_access changes nothing (B10, F5, F6, I2,
// I3, W10).
func TestEffectiveScopes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, asked, want string }{
		{"nothing asked is everything there is", "", "mcp"},
		{"empty is nothing asked", " ", "mcp"},
		{"the scope itself", "mcp", "mcp"},
		{"twice", "mcp mcp", "mcp"},
		{"foreign scopes beside ours", "claudeai openid email profile mcp", "mcp"},
		{"only foreign scopes", "openid email profile", "mcp"},
		{"offline_access changes nothing", "mcp offline_access", "mcp"},
		{"offline_access alone", "offline_access", "mcp"},
		{"case matters", "MCP", "mcp"},
		{"several spaces", "  openid   mcp ", "mcp"},
	} {
		s, err := ParseScopes(row.asked)
		if err != nil {
			t.Errorf("%s: ParseScopes(%q) = %v", row.name, row.asked, err)
		}
		if got := (ScopeSet{}).Granted(s).String(); got != row.want {
			t.Errorf("%s: %q gives %q, want %q", row.name, row.asked, got, row.want)
		}
	}
}

// RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E, separated by spaces.
func TestScopeCharacters(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		token := "a" + string([]byte{byte(c)}) + "b"
		_, err := ParseScopes(token)
		allowed := c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'
		if (err == nil) != allowed {
			t.Errorf("ParseScopes with byte %#x: got %v, want allowed %v", c, err, allowed)
		}
		if !allowed && code(t, err) != InvalidScope {
			t.Errorf("ParseScopes with byte %#x: got %v, want invalid_scope", c, err)
		}
	}
	if _, err := ParseScopes(strings.Repeat("a", 2001)); code(t, err) != InvalidScope {
		t.Errorf("2001 characters: got %v, want invalid_scope", err)
	}
}

// Asking within the grant is decided on whole tokens (RT-06).
func TestWithinComparesWholeTokens(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		asked, granted string
		want           bool
	}{
		{"", "mcp", true}, {"", "", true}, {"mcp", "mcp", true}, {"a", "b a", true}, {"a b", "b a", true},
		{"mc", "mcp", false}, {"mcpx", "mcp", false}, {"mcp admin", "mcp", false}, {"mcp", "", false},
	} {
		asked, err1 := ParseScopes(row.asked)
		granted, err2 := ParseScopes(row.granted)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if got := asked.Within(granted); got != row.want {
			t.Errorf("%q within %q = %v, want %v", row.asked, row.granted, got, row.want)
		}
	}
}

// What parses writes itself the same way again, and never grants what does not exist.
func FuzzScopes(f *testing.F) {
	for _, seed := range []string{"", " ", "mcp", "mcp openid  mcp", "a\"b", "a\\b", "é", "a\tb", "!#[]~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := ParseScopes(s)
		if err != nil {
			if code(t, err) != InvalidScope || parsed != nil {
				t.Fatalf("got %v, %v; want invalid_scope alone", parsed, err)
			}
			return
		}
		again, err := ParseScopes(parsed.String())
		if err != nil || !slices.Equal(again, parsed) {
			t.Fatalf("%q parses to %q and that to %q, %v", s, parsed, again, err)
		}
		for i, token := range parsed {
			if !slices.Contains(strings.Split(s, " "), token) || slices.Index(parsed, token) != i {
				t.Fatalf("%q has no %q, or it is there twice: %q", s, token, parsed)
			}
		}
		if e := (ScopeSet{}).Granted(parsed); len(e) == 0 || !e.Within(Scopes{ScopeMCP}) {
			t.Fatalf("%q gives %q", s, e)
		}
	})
}
