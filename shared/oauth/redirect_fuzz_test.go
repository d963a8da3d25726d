package oauth

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

var redirectSeeds = []string{
	"https://example.net/cb?x=1", "http://127.0.0.1:8787/callback", "http://[::1]/", "http://localhost",
	"cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/oauth2redirect", "com.example.app:///a//b",
	"https://192.0.2.7:8443/a;b=c/d", "https://[2001:db8::1.2.3.4]/", "https://example.net/c%C3%A9?%20=+",
}

// FuzzRedirect compares what the policy accepts with two other parsers, the one of
// this language and the one of browsers (RU-07): all three see the same scheme, host,
// port, path and query, and none sees user information or a fragment.
func FuzzRedirect(f *testing.F) {
	for _, seed := range redirectSeeds {
		f.Add(seed, "code")
	}
	for _, seed := range []string{
		"https://127.1/", "https://a@b/", "https://a/%2e", "https://a/?b;code", "https://a/#", "http://0x7f.1/",
		"x.y:/[a]", "https://xn--a/", "http://a_b.localhost/", "My.App://1.2/x",
	} {
		f.Add(seed, "a&b=c#d")
	}
	f.Fuzz(func(t *testing.T, uri, value string) {
		if testPolicy.Check(uri) != nil {
			if _, err := testPolicy.Match([]string{uri}, uri); err == nil {
				t.Fatalf("%q may not be registered but matches", uri)
			}
			return
		}
		r, err := testPolicy.Match([]string{uri}, uri)
		if err != nil {
			t.Fatalf("%q may be registered but does not match: %v", uri, err)
		}
		compareWithGo(t, uri, r.parts)
		compareWithBrowsers(t, uri, r.parts)
		checkAppended(t, r, value)
	})
}

func compareWithGo(t *testing.T, uri string, p redirectParts) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatalf("net/url refuses %q: %v", uri, err)
	}
	query := ""
	if u.RawQuery != "" || u.ForceQuery {
		query = "?" + u.RawQuery
	}
	// EscapedPath may escape brackets anew; they stand for themselves.
	brackets := strings.NewReplacer("%5B", "[", "%5D", "]", "%5b", "[", "%5d", "]")
	path, want := brackets.Replace(u.EscapedPath()), brackets.Replace(p.path)
	if u.Scheme != p.scheme || u.Host != p.authority || u.Port() != p.port || path != want || query != p.query ||
		u.User != nil || u.Fragment != "" || u.Opaque != "" {
		t.Fatalf("%q: net/url sees %q %q %q %q, the policy %q %q %q %q",
			uri, u.Scheme, u.Host, path, query, p.scheme, p.authority, want, p.query)
	}
}

func compareWithBrowsers(t *testing.T, uri string, p redirectParts) {
	t.Helper()
	u, err := whatwg.Parse(uri)
	if err != nil {
		// The one thing that browsers look at and the policy does not is whether
		// a label that starts with xn-- decodes. They then go nowhere.
		if !strings.Contains(strings.ToLower(p.host), "xn--") {
			t.Fatalf("a browser refuses %q: %v", uri, err)
		}
		return
	}
	port := p.port
	path := p.path
	if p.scheme == "https" || p.scheme == "http" {
		if withoutDefaultPort(p.scheme, ":"+port) == "" {
			port = ""
		}
		if path == "" {
			path = "/"
		}
	}
	query := strings.ReplaceAll(strings.TrimPrefix(p.query, "?"), "'", quoteIn(p.scheme))
	if u.Scheme() != p.scheme || !sameHost(u.Hostname(), p) || u.Port() != port || u.Pathname() != path ||
		strings.TrimPrefix(u.Search(), "?") != query ||
		u.Username() != "" || u.Password() != "" || u.Hash() != "" {
		t.Fatalf("%q: a browser sees %q %q %q %q %q, the policy %+v",
			uri, u.Scheme(), u.Hostname(), u.Port(), u.Pathname(), u.Search(), p)
	}
}

// quoteIn returns how a browser writes ' in a query: of its own schemes it escapes it.
func quoteIn(scheme string) string {
	if scheme == "https" || scheme == "http" {
		return "%27"
	}
	return "'"
}

func sameHost(theirs string, p redirectParts) bool {
	if strings.EqualFold(theirs, p.host) {
		return true
	}
	// A browser writes an IPv6 address in its shortest form.
	a, err1 := netip.ParseAddr(strings.Trim(theirs, "[]"))
	b, err2 := netip.ParseAddr(strings.Trim(p.host, "[]"))
	return err1 == nil && err2 == nil && a == b
}

func checkAppended(t *testing.T, r Redirect, value string) {
	t.Helper()
	whole := r.With("code", value, "state", value)
	appended, ok := strings.CutPrefix(whole, r.String())
	if !ok {
		t.Fatalf("With changed %q to %q", r, whole)
	}
	if value == "" {
		if appended != "" {
			t.Fatalf("With appended %q for nothing", appended)
		}
		return
	}
	u, err := url.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"code", "state"} {
		count := 0
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			n, v, _ := strings.Cut(pair, "=")
			n, _ = url.QueryUnescape(n)
			if v, _ = url.QueryUnescape(v); n == name && v == value {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("%q has %s %d times, want once", whole, name, count)
		}
	}
}
