package cimd

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/origin"
)

const production = "https://auth.example.com"

func issuerOf(tb testing.TB, s string) origin.Origin {
	tb.Helper()
	o, err := origin.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func parseID(tb testing.TB, s, issuer string) ID {
	tb.Helper()
	id, err := ParseID(s, issuerOf(tb, issuer))
	if err != nil {
		tb.Fatalf("%s: got %v, want an id", s, err)
	}
	return id
}

// kind returns the kind of an error that is a problem, 0 for success.
func kind(tb testing.TB, err error) Kind {
	tb.Helper()
	if err == nil {
		return 0
	}
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		tb.Fatalf("got %v, want a problem", err)
	}
	return p.Kind
}

// One form of URL names a client, and none of ours or of the cloud's does (SF-05, CIM-02).
func TestOnlyPlainPublicURLsNameClients(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://claude.ai/oauth/mcp-oauth-client-metadata", "https://chatgpt.com/oauth/AbCd/client.json",
		"https://a.example.com:443/x", "https://xn--bcher-kva.example.com/x", "https://a.example.com/%7Euser/x;v=1",
		"https://a.example.com/x/", "https://a.example.com//x", "https://a.example.com/x?tenant=1&v=a%20b",
		"https://a.example.com/x?", "https://a.example.com/x?/../y?z", "https://a_b.example.com/x",
	} {
		if id := parseID(t, good, production); id.String() != good {
			t.Errorf("%s: got %s", good, id)
		}
	}
	for name, bad := range map[string]string{
		"http": "http://a.example.com/x", "upper scheme": "HTTPS://a.example.com/x",
		"other scheme": "ftp://a.example.com/x", "file": "file:///etc/passwd", "no path": "https://a.example.com",
		"root": "https://a.example.com/", "query without path": "https://a.example.com?y",
		"query of the root": "https://a.example.com/?y", "bad escape in query": "https://a.example.com/x?%z",
		"line break in query":     "https://a.example.com/x?a=%0d%0a",
		"fragment behind a query": "https://a.example.com/x?y#z", "fragment": "https://a.example.com/x#y",
		"empty fragment": "https://a.example.com/x#", "user": "https://u@a.example.com/x",
		"user and password": "https://u:p@a.example.com/x", "empty user": "https://@a.example.com/x",
		"dot": "https://a.example.com/./x", "dots": "https://a.example.com/a/../x",
		"ends in dots": "https://a.example.com/a/..", "escaped dots": "https://a.example.com/%2e%2E/x",
		"half escaped": "https://a.example.com/.%2e/x", "dots and parameter": "https://a.example.com/..;a/x",
		"escaped slash": "https://a.example.com/a%2fb", "backslash": `https://a.example.com\x/y`,
		"escaped backslash": "https://a.example.com/a%5cb", "bad escape": "https://a.example.com/%zz",
		"cut escape": "https://a.example.com/x%2", "escaped control": "https://a.example.com/%00",
		"space": "https://a.example.com/a b", "bracket in path": "https://a.example.com/[x]",
		"newline": "https://a.example.com/x\n", "port": "https://a.example.com:8443/x",
		"port 80": "https://a.example.com:80/x", "empty port": "https://a.example.com:/x",
		"zeros": "https://a.example.com:0443/x", "two ports": "https://a.example.com:443:443/x",
		"upper host": "https://A.example.com/x", "u-label": "https://bücher.example.com/x",
		"escaped host": "https://a%2eexample.com/x", "trailing dot": "https://a.example.com./x",
		"one label": "https://metadata/x", "empty label": "https://a..example.com/x",
		"hyphen": "https://-a.example.com/x", "IPv4": "https://8.8.8.8/x", "short IPv4": "https://127.1/x",
		"decimal": "https://2130706433/x", "hex": "https://0x7f.0x0.0x0.0x1/x",
		"IPv6": "https://[2606:4700::1111]/x", "zone": "https://[fe80::1%25eth0]/x",
		"mapped": "https://[::ffff:127.0.0.1]/x", "brackets": "https://[a.example.com]/x",
		"localhost": "https://localhost/x", "localhost port": "https://localhost:8443/x",
		"loopback": "https://127.0.0.1:8443/x", "below localhost": "https://a.localhost/x",
		"cloud metadata": "https://metadata.google.internal/x", "goog": "https://metadata.goog/x",
		"below goog": "https://a.metadata.goog/x", "local": "https://printer.local/x",
		"arpa": "https://1.in-addr.arpa/x", "onion": "https://aaaa.onion/x", "ours": production + "/x",
		"ours with port": production + ":443/x", "long": "https://a.example.com/" + strings.Repeat("a", 500),
		"long label": "https://" + strings.Repeat("a", 64) + ".example.com/x", "empty host": "https:///x",
	} {
		if id, err := ParseID(bad, issuerOf(t, production)); kind(t, err) != Refused {
			t.Errorf("%s: got %v, %v, want it refused", name, id, err)
		}
	}
}

// A client on this machine may describe itself there when we are there too, and not at our own port
// (CIM-11).
func TestLoopbackIDsAreForLoopbackServers(t *testing.T) {
	t.Parallel()
	const development = "http://127.0.0.1:8085"
	for _, good := range []string{
		"http://127.0.0.1:9000/x", "http://localhost:9000/x", "http://[::1]:9000/x", "https://127.0.0.1:9443/x",
		"https://claude.ai/x",
	} {
		parseID(t, good, development)
	}
	for _, bad := range []string{
		"http://127.0.0.1:8085/x", "http://localhost:8085/x", "http://[::1]:8085/x", "https://localhost:8085/x",
		"http://127.0.0.2:9000/x", "http://127.0.0.1/x", "http://10.0.0.1:9000/x", "http://a.example.com/x",
		"http://a.example.com:9000/x", "http://[::ffff:127.0.0.1]:9000/x", "http://127.0.0.1:9000/",
	} {
		if _, err := ParseID(bad, issuerOf(t, development)); kind(t, err) != Refused {
			t.Errorf("%s: got %v, want it refused", bad, err)
		}
	}
}

// Hosts where anybody can publish are told from others (SF-16).
func TestSharedHostsAreKnown(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"https://somebody.github.io/x": true, "https://raw.githubusercontent.com/a/b/x": true,
		"https://a.workers.dev/x": true, "https://github.com/copilot/cli/client-metadata.json": false,
		"https://claude.ai/x": false, "https://notgithub.io/x": false,
	} {
		if got := parseID(t, s, production).Shared(); got != want {
			t.Errorf("%s: got shared %t, want %t", s, got, want)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"https://claude.ai/oauth/x", "https://a.example.com:443/%7e", "http://[::1]:9/x",
		"https://a.example.com/;..;/x", "https://a@b.example.com/x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s, issuerOf(t, production))
		if err != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.String() != s || u.Host != id.Host() || u.Scheme != "https" || u.User != nil ||
			u.RawQuery != "" || u.Path == "" || u.Port() != "" && u.Port() != "443" {
			t.Errorf("%q: got %+v, %v from net/url, want the same host and bytes", s, u, err)
		}
	})
}
