package origin_test

import (
	"testing"

	"github.com/postern-dev/postern/shared/origin"
)

func TestAnOriginIsExactlyAnOrigin(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"https://auth.example.com", "https://auth.example.com:8443", "http://127.0.0.1:8085", "http://localhost:8085",
		"http://[::1]:8085", "https://[2001:db8::1]", "http://127.0.0.2", "https://a-b.gateway.dev",
	} {
		if o, err := origin.Parse(s); err != nil || o.String() != s || o.URL("/mcp") != s+"/mcp" {
			t.Errorf("%s: got %q, %v", s, o, err)
		}
	}
	for _, s := range []string{
		"", "auth.example.com", "https://", "https://a/", "https://a/b", "https://a?b", "https://a#b",
		"http://a.example", "https://A.example", "https://u@a", "https://a:443", "http://localhost:80",
		"https://a:0", "https://a:65536", "https://a:", "https://a:08", "https://[::1", "https://]",
		"https://::1", "https://[127.0.0.1]", "https://[0:0::1]", "ftp://a", "https://a..b", "https://-a",
		"https://a-", "https://a b", "https://ä.example", "https://a.", "https://[::1]x", "https://[]",
	} {
		if o, err := origin.Parse(s); err == nil {
			t.Errorf("%q was accepted as %q", s, o)
		}
	}
}

func TestAnOriginKnowsWhoCanReachIt(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][2]bool{ // loopback, secure
		"https://auth.example.com": {false, true}, "http://localhost:1": {true, false},
		"http://[::1]:8085": {true, false}, "https://127.0.0.1:8443": {true, true},
	} {
		o, err := origin.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{o.IsLoopback(), o.Secure()}; got != want {
			t.Errorf("%s: got %v, want %v", s, got, want)
		}
	}
	if !(origin.Origin{}).IsZero() || (origin.Origin{}).IsLoopback() {
		t.Error("the zero origin is something")
	}
}

// Programs that read the same text differently must not both be asked, so only plain
// spellings count (RFC 8252 §7.3, §8.3).
func TestAHostIsThisMachineOrNot(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]bool{ // Loopback, LoopbackSpelling
		"localhost": {true, true}, "127.0.0.1": {true, true}, "[::1]": {true, true},
		"127.0.0.2": {true, false}, "::1": {true, false}, "[::ffff:127.0.0.1]": {true, false},
		"a.localhost": {false, true}, "a.b.localhost": {false, true},
		".localhost": {false, false}, "a.localhost.": {false, false},
		"127.1": {false, false}, "localhost.example": {false, false}, "LOCALHOST": {false, false}, "": {false, false},
	} {
		if got := [2]bool{origin.Loopback(host), origin.LoopbackSpelling(host)}; got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
	for url, want := range map[string]bool{
		"http://127.0.0.1:8085/x": true, "https://localhost": true, "http://[::1]:1/": true,
		"http://u@127.0.0.1/": false, "ftp://127.0.0.1": false, "http://127.0.0.1.example": false, "": false,
	} {
		if got := origin.LoopbackURL(url); got != want {
			t.Errorf("%q: got %t, want %t", url, got, want)
		}
	}
}

func TestAHostKeepsToTheGrammar(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]bool{ // ValidHost, DomainName
		"a.example": {true, true}, "A.example": {true, false}, "a_b.example": {true, true},
		"xn--.example": {false, false}, "a-b.example": {true, true}, "-a.example": {true, false},
		"localhost": {true, false}, "127.0.0.1": {true, false}, "[::1]": {true, false}, "127.1": {false, false},
		"2130706433": {false, false}, "0x7f.1": {false, false}, "a.0x7f": {false, false}, "a..b": {false, false},
		"": {false, false}, "a b.example": {false, false},
		"\u212aelvin.example": {false, false}, "[::1%eth0]": {false, false},
	} {
		if got := [2]bool{origin.ValidHost(host), origin.DomainName(host)}; got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

// What is wrong is said without the value, which may carry a secret.
func TestABaseURLIsPlain(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"https://github.example", "https://github.example/api/v3", "http://127.0.0.1:99"} {
		if u, err := origin.ParseBase(s); err != nil || u.String() != s {
			t.Errorf("%q: got %v, %v", s, u, err)
		}
	}
	for s, want := range map[string]string{
		"http://github.example": "is not https", "https://a/": "ends in a slash",
		"https://a?": "has a query or fragment", "https://a#": "has a query or fragment",
		"https://user:secret@a": "has user information", "https://": "has no host",
		"github.example": "has no host", "https://%zz": "is not a URL",
	} {
		if _, err := origin.ParseBase(s); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", s, err, want)
		}
	}
}
