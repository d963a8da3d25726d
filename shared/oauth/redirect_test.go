package oauth

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

const testIssuer = "https://auth.example.com"

var testPolicy = RedirectPolicy{Issuer: testIssuer}

// code returns the error code of a refusal, or "" for nil.
func code(t *testing.T, err error) ErrorCode {
	t.Helper()
	if err == nil {
		return ""
	}
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %T (%v), want an *Error", err, err)
	}
	return refusal.Code
}

// Each line of the corpus says what becomes of a redirect URI that was seen in the field, at
// registration and at authorization alike (C1, C2, C6, C10, C13, C14, W11, REG-07, RU-05, RU-06).
func TestPolicyJudgesTheCorpus(t *testing.T) {
	t.Parallel()
	lines := 0
	for line := range strings.Lines(read(t, "testdata/redirect_uris.txt")) {
		verdict, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		uri, who, _ := strings.Cut(rest, " ")
		if verdict != "take" && verdict != "refuse" {
			continue
		}
		lines++
		if err := testPolicy.Check(uri); (err == nil) != (verdict == "take") {
			t.Errorf("%s (%s): got %v, want to %s it", uri, who, err, verdict)
		}
		if _, err := testPolicy.Match([]string{uri}, uri); (err == nil) != (verdict == "take") {
			t.Errorf("%s (%s), matched with itself: got %v, want to %s it", uri, who, err, verdict)
		}
	}
	if lines < 200 {
		t.Errorf("got %d lines, want the whole corpus", lines)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPolicyAcceptsAtItsLimits(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"http://127.0.0.1:1/",
		"http://127.0.0.1:65535/mcp/oauth/callback",
		"https://oauth-redirect.googleusercontent.com/r/user_bound_custom-mcp-" + strings.Repeat("a1", 400),
		"https://example.net:8443/cb?tenant=a%20b&x",
		"https://[2001:db8::1]:8443/cb",
		"https://example.net",
		"https://example.net/c%C3%A9",
	} {
		if err := testPolicy.Check(uri); err != nil {
			t.Errorf("Check(%q) = %v, want nil", uri, err)
		}
	}
}

// An operator may close the private-use schemes to a list, or to none. Foreign ones cannot be
// listed, and what was registered before is judged by the list of today (RU-06, RU-20).
func TestPolicyTakesTheListedSchemesAlone(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		list          string
		taken, refuse []string
	}{
		{"cursor, com.example.app", []string{"cursor://x/cb", "com.example.app:/cb", "Com.Example.App:/cb"},
			[]string{"vscode://x/cb", "com.example:/cb"}},
		{"cursor:", []string{"cursor://x/cb"}, []string{"zed://x/cb"}},
		{"none", nil, []string{"cursor://x/cb", "none://x/cb"}},
	} {
		schemes, err := ParseSchemes(row.list)
		if err != nil {
			t.Fatalf("%q: %v", row.list, err)
		}
		p := RedirectPolicy{Issuer: testIssuer, Schemes: schemes}
		for _, uri := range append(row.taken, "https://example.net/cb", "http://localhost:1/cb") {
			if err := p.Check(uri); err != nil {
				t.Errorf("%q: Check(%q) = %v, want nil", row.list, uri, err)
			}
		}
		for _, uri := range row.refuse {
			if _, err := p.Match([]string{uri}, uri); err == nil {
				t.Errorf("%q: %q matches, want a refusal", row.list, uri)
			}
		}
	}
	for _, list := range []string{
		"", ",", "cursor,", "javascript", "cursor,ms-settings", "https", "none,cursor", "Cursor", "a b", "x",
		"cursor://x", "com..x",
	} {
		if _, err := ParseSchemes(list); err == nil {
			t.Errorf("ParseSchemes(%q) = nil, want an error", list)
		}
	}
}

// No redirect URI is accepted that a browser could read as another, or that leads where a code
// must not go (RU-03 to RU-12, RU-19, RU-22, C6 to C8, REG-06, REG-08).
func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	for row, uris := range map[string][]string{
		"user information, even empty": {
			"https://user@example.net/", "https://:@example.net/", "https://@example.net/",
			"https://example.net%2f@evil.test/", "https://example.net@evil.test/", "http://127.0.0.1@evil.test/",
			"https://example.net:443@evil.test/", "com.example.app://user@host/",
		},
		"what only looks like loopback": {
			"http://127.1/", "http://127.0.0.2/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
			"http://0177.0.0.1/", "http://127.0.0.1./", "http://localhost./", "http://localhost.example.net/",
			"http://[::ffff:127.0.0.1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::1%25lo]/", "http://[::1%lo]/",
			"http://[::]/", "http://0.0.0.0/", "http://0/", "http://LOCALHOST/", "http://Localhost/",
			"http://localhost%2e/", "http://127.0.0.1.example.net/", "http://xn--localhost/", "http://::1/",
		},
		"numbers that a browser reads as addresses": {
			"https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0X7F.1/",
			"https://0177.0.0.1/", "https://192.0.2.256/", "https://example.0x/", "https://1.2.3.4.5/",
		},
		"dangerous schemes": {
			"javascript:alert(1)", "javascript://example.net/%0aalert(1)", "JavaScript://x/", "data:text/html,x",
			"data://x/y", "DATA:/x", "vbscript://x", "file:///etc/passwd", "file://host/x",
			"blob:https://example.net/x", "filesystem:https://example.net/x", "about:blank", "about://blank",
			"view-source:https://example.net/", "view-source://x", "mailto:a@example.net", "mailto://x",
			"ws://localhost/", "wss://example.net/", "ftp://example.net/", "intent://x/#Intent;end", "intent://x/",
			"chrome://settings/", "chrome-extension://abc/x", "moz-extension://abc/x", "resource://x/",
			"jar:https://example.net/x", "ms-settings://x", "search-ms://x", "tel:1", "sms://1", "steam://run/1",
			"ssh://host/", "urn:ietf:wg:oauth:2.0:oob", "HTTPS://example.net/", "Https://example.net/",
		},
		"characters and escapes": {
			"", " https://example.net/", "https://example.net/ ", "https://example.net/a b",
			"https://example.net\\@evil.test/", "https:\\\\example.net/", "https://example.net/%5c",
			"https://example.net/%5Cx", "https://example.net/a%2fb", "https://example.net/a%2Fb",
			"https://example.net/%0d%0aLocation:x", "https://example.net/?a=%0a", "https://example.net/%00",
			"https://example.net/%7f", "https://example.net/%1f", "https://example.net/\r\n",
			"https://example.net/\t", "https://example.net/\x00", "https://exämple.net/", "https://example.net/é",
			"https://example\u3002net/", "https://example.net/%", "https://example.net/%4",
			"https://example.net/%zz", "https://example.net/<x>", "https://example.net/\"", "https://example.net/`",
			"https://example.net/{x}", "https://example.net/|", "https://example.net/^", "https://ex%61mple.net/",
		},
		"fragments, even empty": {
			"https://example.net/#", "https://example.net/#x", "https://example.net#", "http://127.0.0.1/#",
			"com.example.app:/x#", "https://example.net/?a=b#",
		},
		"dot segments": {
			"https://example.net/.", "https://example.net/..", "https://example.net/a/../b",
			"https://example.net/a/./b", "https://example.net/%2e%2e/b", "https://example.net/.%2e/b",
			"https://example.net/%2E/b", "https://example.net/a/..;x/b", "https://example.net/.;/b",
			"com.example.app:/a/../b", "http://127.0.0.1/../x",
		},
		"odd ports and hosts": {
			"https://example.net:/", "https://example.net:0/", "https://example.net:080/",
			"https://example.net:65536/", "https://example.net:+80/", "https://example.net:8x/",
			"https://example.net:-1/", "https://example.net:80:80/", "https://[example.net]/", "https://[::1/",
			"https://::1]/", "https://[::1]x/", "https://[::1]:/", "https://.example.net/", "https://example..net/",
			"https://example.net./", "https:///x", "https://", "https:/x", "https:example.net/", "http:127.0.0.1/",
			"https://" + strings.Repeat("a", 64) + ".net/", "https://" + strings.Repeat("a.", 130) + "net/",
			"https://*.example.net/", "https://exa_mple!.net/", "http://127.0.0.1:99999/", "http://127.0.0.1:00/",
		},
		"http to a public host": {
			"http://example.net/", "http://192.0.2.7/", "http://10.0.0.1/", "http://[2001:db8::1]/",
		},
		"a query that has a name of ours": {
			"https://example.net/?code=x", "https://example.net/?a=b&state=", "https://example.net/?iss",
			"https://example.net/?error=x", "https://example.net/?error_description=x",
			"https://example.net/?error_uri=x", "https://example.net/?c%6fde=x", "https://example.net/?a=1;code=x",
			"com.example.app:/cb?state=x", "http://127.0.0.1/?%69ss=x",
		},
		"our own server": {
			testIssuer, testIssuer + "/auth/callback", testIssuer + "/mcp", testIssuer + ":443/x",
			"https://AUTH.example.com/x", "https://Auth.Example.Com:443/",
		},
		"size": {"https://example.net/" + strings.Repeat("a", MaxRedirectURILength)},
		"not absolute": {
			"/callback", "//example.net/callback", "callback", "?x", ":", "://x", "1com.example:/x", "com.example",
			"com.example:x", ".com:/x", "com.:/x", "com..example:/x",
		},
	} {
		for _, uri := range uris {
			if got := code(t, testPolicy.Check(uri)); got != InvalidRedirectURI {
				t.Errorf("%s: Check(%q) gives code %q, want %q", row, uri, got, InvalidRedirectURI)
			}
		}
	}
}

// The spelling of a scheme in capitals opens nothing (RU-06).
func TestDangerousSchemesAreRefusedInAnyCase(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{
		"javascript", "data", "vbscript", "file", "blob", "filesystem", "about", "view-source", "mailto", "ws",
		"ftp", "intent",
	} {
		for _, spelled := range []string{scheme, strings.ToUpper(scheme), strings.ToUpper(scheme[:1]) + scheme[1:]} {
			for _, rest := range []string{":x", ":/x", "://x/y", "://127.0.0.1/"} {
				if testPolicy.Check(spelled+rest) == nil {
					t.Errorf("Check(%q) = nil, want a refusal", spelled+rest)
				}
			}
		}
	}
}

// A development server is on loopback, where three names lead to it (RU-19).
func TestPolicyRefusesADevelopmentServersOwnOriginInEverySpelling(t *testing.T) {
	t.Parallel()
	p := RedirectPolicy{Issuer: "http://127.0.0.1:8085"}
	for _, uri := range []string{
		"http://127.0.0.1:8085/x", "http://localhost:8085/x", "http://[::1]:8085/x", "http://a.localhost:8085/x",
	} {
		if p.Check(uri) == nil {
			t.Errorf("Check(%q) = nil, want a refusal", uri)
		}
		other := strings.Replace(uri, "8085", "8086", 1)
		if err := p.Check(other); err != nil {
			t.Errorf("Check(%q) = %v, want nil", other, err)
		}
	}
	// The port that a loopback client may choose is not ours either (RU-04 with RU-19).
	if _, err := p.Match([]string{"http://localhost/x"}, "http://localhost:8085/x"); err == nil {
		t.Error("a loopback client was given the server's own port")
	}
}

// A request's redirect URI is a registered one byte for byte (RU-02), but for the port, and the
// slash of a bare root, on loopback (RU-04, C3, C5).
func TestMatchIsByteForByteButForLoopbackPorts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, registered, requested string
		want                        bool
	}{
		{"equal", "https://example.net/cb?x=1", "https://example.net/cb?x=1", true},
		{"prefix", "https://example.net/cb", "https://example.net/cb/more", false},
		{"shorter", "https://example.net/cb/more", "https://example.net/cb", false},
		{"host only", "https://example.net/cb", "https://example.net/other", false},
		{"case of path", "https://example.net/cb", "https://example.net/CB", false},
		{"case of host", "https://example.net/cb", "https://EXAMPLE.net/cb", false},
		{"host suffix", "https://example.net/cb", "https://example.net.evil.test/cb", false},
		{"subdomain", "https://example.net/cb", "https://a.example.net/cb", false},
		{"query added", "https://example.net/cb", "https://example.net/cb?x=1", false},
		{"empty query added", "https://example.net/cb", "https://example.net/cb?", false},
		{"escape", "https://example.net/cb", "https://example.net/c%62", false},
		{"default port", "https://example.net/cb", "https://example.net:443/cb", false},
		{"https has no free port", "https://example.net/cb", "https://example.net:8443/cb", false},
		{"nor on loopback", "https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb", false},
		{"slash only for loopback", "https://example.net", "https://example.net/", false},
		{"private scheme has no free port", "com.example.app://h:1/cb", "com.example.app://h:2/cb", false},

		{"other port, 127.0.0.1", "http://127.0.0.1:3118/callback", "http://127.0.0.1:50001/callback", true},
		{"other port, localhost", "http://localhost:3118/callback", "http://localhost:50001/callback", true},
		{"other port, ::1", "http://[::1]:3118/callback", "http://[::1]:50001/callback", true},
		{"other port, below localhost", "http://app.localhost:3000/callback",
			"http://app.localhost:50001/callback", true},
		{"another name below localhost", "http://app.localhost:3000/callback",
			"http://b.localhost:3000/callback", false},
		{"registered without a port", "http://127.0.0.1/callback", "http://127.0.0.1:50001/callback", true},
		{"requested without a port", "http://127.0.0.1:50001/callback", "http://127.0.0.1/callback", true},
		{"bare root", "http://127.0.0.1:33418", "http://127.0.0.1:33418/", true},
		{"bare root the other way", "http://127.0.0.1/", "http://127.0.0.1:33418", true},
		{"slash below the root", "http://127.0.0.1/callback", "http://127.0.0.1/callback/", false},
		{"path", "http://127.0.0.1:1/callback", "http://127.0.0.1:2/other", false},
		{"loopback, case of path", "http://127.0.0.1:1/callback", "http://127.0.0.1:2/Callback", false},
		{"escaped path", "http://127.0.0.1:1/callback", "http://127.0.0.1:2/%63allback", false},
		{"query", "http://127.0.0.1:1/cb?x=1", "http://127.0.0.1:2/cb?x=2", false},
		{"same query", "http://127.0.0.1:1/cb?x=1", "http://127.0.0.1:2/cb?x=1", true},
		{"loopback, query added", "http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb?x=1", false},
		{"loopback, empty query added", "http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb?", false},
		{"scheme", "http://127.0.0.1:1/cb", "https://127.0.0.1:2/cb", false},
		{"user information", "http://127.0.0.1:1/cb", "http://x@127.0.0.1:2/cb", false},
		{"fragment", "http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb#", false},
		{"port with zeros", "http://127.0.0.1:1/cb", "http://127.0.0.1:0080/cb", false},
		{"port out of range", "http://127.0.0.1:1/cb", "http://127.0.0.1:65536/cb", false},

		// Some would have localhost and 127.0.0.1 be one class (C4). The exact comparison wins:
		// the literal that was registered is the one that works (RFC 9700 §2.1).
		{"decided strictly", "http://localhost:3118/callback", "http://127.0.0.1:3118/callback", false},
		{"decided strictly, the other way", "http://127.0.0.1:3118/callback", "http://localhost:3118/callback", false},
		{"decided strictly, IPv6", "http://[::1]:3118/callback", "http://127.0.0.1:3118/callback", false},
	} {
		got, err := testPolicy.Match([]string{"https://other.example.net/", row.registered}, row.requested)
		if (err == nil) != row.want || got.IsZero() == row.want {
			t.Errorf("%s: Match(%q, %q) = %v, %v; want a match: %v",
				row.name, row.registered, row.requested, got, err, row.want)
		}
		if row.want && got.String() != row.requested {
			t.Errorf("%s: String() = %q, want what was asked for: %q", row.name, got, row.requested)
		}
	}
}

// Whatever single byte is dropped, added or changed, it is another URI (RU-02).
func TestNearMissesDoNotMatch(t *testing.T) {
	t.Parallel()
	for _, registered := range []string{
		"https://example.net/cb?x=1", "cursor://anysphere.cursor-mcp/oauth/callback",
		"http://127.0.0.1:8787/oauth/callback?x=1",
	} {
		for _, miss := range nearMisses(registered) {
			_, err := testPolicy.Match([]string{registered}, miss)
			if err == nil && !onlyPortDiffers(t, registered, miss) {
				t.Errorf("Match(%q, %q) = nil, want a refusal", registered, miss)
			}
		}
	}
}

func nearMisses(s string) []string {
	var out []string
	for i := range len(s) + 1 {
		for c := range 256 {
			out = append(out, s[:i]+string([]byte{byte(c)})+s[i:])
			if i < len(s) && byte(c) != s[i] {
				out = append(out, s[:i]+string([]byte{byte(c)})+s[i+1:])
			}
		}
		if i < len(s) {
			out = append(out, s[:i]+s[i+1:])
		}
	}
	return slices.DeleteFunc(out, func(miss string) bool { return miss == s })
}

func onlyPortDiffers(t *testing.T, a, b string) bool {
	t.Helper()
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return u.Scheme == "http" && strings.Replace(a, ":"+u.Port(), "", 1) == strings.Replace(b, ":"+v.Port(), "", 1)
}

// Nothing registered, nothing allowed (RU-01, C9).
func TestUnregisteredURIIsRefused(t *testing.T) {
	t.Parallel()
	for _, registered := range [][]string{nil, {}, {""}, {"https://other.example.net/cb"}} {
		r, err := testPolicy.Match(registered, "https://example.net/cb")
		if code(t, err) != InvalidRequest || !r.IsZero() {
			t.Errorf("Match(%q) = %v, %v; want no redirect and invalid_request", registered, r, err)
		}
	}
}

// It must be named, with one registered URI as with many (RU-13).
func TestMissingRedirectURIIsRefused(t *testing.T) {
	t.Parallel()
	lists := [][]string{{"https://example.net/cb"}, {"https://example.net/cb", "https://example.net/b"}, {""}}
	for _, registered := range lists {
		if _, err := testPolicy.Match(registered, ""); code(t, err) != InvalidRequest {
			t.Errorf("Match(%q, \"\") = %v, want invalid_request", registered, err)
		}
	}
}

// A record from before a change of policy gives no permission (RU-20).
func TestStoredURIIsJudgedByTodaysPolicy(t *testing.T) {
	t.Parallel()
	for _, old := range []string{
		"http://example.net/cb", "javascript://x/", "https://u@example.net/", testIssuer + "/mcp",
		"https://example.net/?code=1",
	} {
		if _, err := testPolicy.Match([]string{old}, old); err == nil {
			t.Errorf("Match(%q) = nil, want a refusal though it is registered", old)
		}
	}
	// Nor does such a record stand in for another spelling of itself.
	if _, err := testPolicy.Match([]string{"http://x@127.0.0.1:1/cb"}, "http://127.0.0.1:2/cb"); err == nil {
		t.Error("a forbidden registered URI matched a loopback one")
	}
}

// The refusal names both sides, so that the person can report it (C12).
func TestMismatchNamesBothURIs(t *testing.T) {
	t.Parallel()
	_, err := testPolicy.Match([]string{"https://n8n.example.net/rest/cb"}, "https://oauth.n8n.example/cb")
	for _, part := range []string{"https://n8n.example.net/rest/cb", "https://oauth.n8n.example/cb"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("got %q, want it to name %q", err, part)
		}
	}
}

// One policy for both endpoints (C2).
func TestWhatMayBeRegisteredIsMatched(t *testing.T) {
	t.Parallel()
	for _, seed := range redirectSeeds {
		for _, uri := range append(nearMisses(seed), seed) {
			if testPolicy.Check(uri) != nil {
				continue
			}
			if _, err := testPolicy.Match([]string{uri}, uri); err != nil {
				t.Errorf("Check(%q) = nil, but Match gives %v", uri, err)
			}
		}
	}
}

// The registered bytes stay as they are and each parameter occurs once (RU-12).
func TestWithAppendsToTheRegisteredBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ uri, want string }{
		{"https://example.net", "https://example.net?code=a%2Bb&state=%26%3D%23+x"},
		{"https://example.net/cb?", "https://example.net/cb?code=a%2Bb&state=%26%3D%23+x"},
		{"https://example.net/cb?t=a%20b&u=+", "https://example.net/cb?t=a%20b&u=+&code=a%2Bb&state=%26%3D%23+x"},
		{"https://example.net/cb?t=1&", "https://example.net/cb?t=1&code=a%2Bb&state=%26%3D%23+x"},
		{"https://example.net/cb?t=?", "https://example.net/cb?t=?&code=a%2Bb&state=%26%3D%23+x"},
		{"https://example.net/&", "https://example.net/&?code=a%2Bb&state=%26%3D%23+x"},
		{"com.example.app:/cb", "com.example.app:/cb?code=a%2Bb&state=%26%3D%23+x"},
	} {
		r, err := testPolicy.Match([]string{row.uri}, row.uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.With("code", "a+b", "error", "", "state", "&=# x"); got != row.want {
			t.Errorf("With on %q = %q, want %q", row.uri, got, row.want)
		}
		if got := r.With("state", ""); got != row.uri {
			t.Errorf("With nothing = %q, want %q", got, row.uri)
		}
	}
}

// What is said of a redirect URI is what it proves, which is never the host behind a scheme that
// any program can claim (H5, CD-11, RU-17).
func TestRedirectSaysWhereItLeads(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		uri, destination  string
		loopback, private bool
	}{
		{"https://example.net:8443/cb", "example.net:8443", false, false},
		{"http://127.0.0.1:5/cb", "127.0.0.1:5", true, false},
		{"http://[::1]:5/cb", "[::1]:5", true, false},
		{"https://127.0.0.1/cb", "127.0.0.1", false, false},
		{"cursor://anysphere.cursor-mcp/cb", "cursor:", false, true},
		{"com.evil.app://claude.ai/api/mcp/auth_callback", "com.evil.app:", false, true},
		{"Com.Evil.App://claude.ai", "com.evil.app:", false, true},
		{"http://claude.ai.localhost:5/cb", "claude.ai.localhost:5", true, false},
		{"https://example.net?x=/", "example.net", false, false},
		{"com.example.app:/cb", "com.example.app:", false, true},
	} {
		r, err := testPolicy.Match([]string{row.uri}, row.uri)
		if err != nil {
			t.Fatal(err)
		}
		if r.Destination() != row.destination || r.Loopback() != row.loopback || r.PrivateUse() != row.private {
			t.Errorf("%q: got %q, loopback %v, private %v; want %q, %v, %v",
				row.uri, r.Destination(), r.Loopback(), r.PrivateUse(), row.destination, row.loopback, row.private)
		}
	}
}
