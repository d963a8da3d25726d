package mcp

import (
	"testing"

	"github.com/postern-dev/postern/shared/behind"
)

// What is kept from people is not reached by another spelling of its address: whatever a server
// makes of it, by the rules of URLs or of browsers, has to be let through too (MP-22).
func TestNoSpellingOfAnAddressIsAWayAround(t *testing.T) {
	t.Parallel()
	denies := newSieve(behind.Calling{Resources: behind.Filter{Deny: []string{
		"https://wiki.example/secret*", "file:///secret/*", "urn:secret:*", "db://shop/?table=keys",
	}}})
	allows := newSieve(behind.Calling{Resources: behind.Filter{Allow: []string{
		"https://wiki.example/open/*", "file:///open/*", "docs://open/*", "urn:open:*",
	}}})
	for _, row := range []struct {
		sieve sieve
		uri   string
		want  bool
	}{
		{denies, "https://wiki.example/open", true},
		{denies, "https://wiki.example:8443/secret", true},
		{denies, "https://wiki.example/secret", false},
		{denies, "HTTPS://Wiki.Example/secret", false},
		{denies, "https://wiki.example:443/secret", false},
		{denies, "https://wiki.example:0443/secret", false},
		{denies, "https://wiki.example:/secret", false},
		{denies, "https:wiki.example/secret", false},
		{denies, "https:/wiki.example/secret", false},
		{denies, "https:////wiki.example/secret", false},
		{denies, "https://me@wiki.example/secret", false},
		{denies, `https:\\wiki.example\secret`, false},
		{denies, "https://ｗiki.example/secret", false},
		{denies, "https://%EF%BD%97iki.example/secret", false},
		{denies, "https://2130706433/a", false},
		{denies, "https://127.0.0.1/a", true},
		{denies, "https://[::1]:8443/a", true},
		{denies, "https://%77iki.example/secret", false},
		{denies, " https://wiki.example/secret", false},
		{denies, "https://wiki.example/sec\tret", false},
		{denies, "file:///open/a", true},
		{denies, "file:/secret/a", false},
		{denies, "file:secret/a", false},
		{denies, "file:////secret/a", false},
		{denies, "file://localhost/secret/a", false},
		{denies, "file://LOCALHOST/secret/a", false},
		{denies, "urn:open:a", true},
		{denies, "URN:secret:a", false},
		{denies, "urn:%73ecret:a", false},
		{denies, "db://shop/?table=names", true},
		{denies, "db://shop/?table=%6beys", false},
		{allows, "https://wiki.example/open/a", true},
		{allows, "https://wiki.example/open/a b?c=%20d", true},
		{allows, `https://wiki.example/open/..\secret`, false},
		{allows, "https://wiki.example/open/%zz/../../secret", false},
		{allows, "file:///open/a%20b", true},
		{allows, "file:///open/ü", true},
		{allows, "file:///open/.\t./secret/a", false},
		{allows, `file:///open/..\secret\a`, false},
		{allows, "docs://open/a", true},
		{allows, `docs://open/..\secret`, false},
		{allows, "docs://open/%5c..%5csecret", false},
		{allows, "urn:open:a", true},
		{allows, "no address", false},
	} {
		m := row.sieve.resource(&row.uri)
		if got := len(m.names) > 0 && row.sieve.of(&Caller{}).sees(m.mesh, m.names...); got != row.want {
			t.Errorf("%q: got %t, want %t; read as %q", row.uri, got, row.want, m.names)
		}
	}
}

// Where nothing is kept from anybody, an address may be any text.
func TestWithoutAFilterAnAddressIsAnyText(t *testing.T) {
	t.Parallel()
	uri := "no address \\ %"
	if m := newSieve(behind.Calling{}).resource(&uri); len(m.names) != 1 || m.names[0] != uri {
		t.Errorf("got %q, want it as it is", m.names)
	}
}
