package web_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/web"
)

func TestAnOriginIsExactlyAnOrigin(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"https://auth.example.com", "https://auth.example.com:8443", "http://127.0.0.1:8085", "http://localhost:8085",
		"http://[::1]:8085", "https://[2001:db8::1]", "http://127.0.0.2", "https://a-b.gateway.dev",
	} {
		if o, err := web.ParseOrigin(s); err != nil || o.String() != s || o.URL("/mcp") != s+"/mcp" {
			t.Errorf("%s: got %q, %v", s, o, err)
		}
	}
	for _, s := range []string{
		"", "auth.example.com", "https://", "https://a/", "https://a/b", "https://a?b", "https://a#b", "http://a.example",
		"https://A.example", "https://u@a", "https://a:443", "http://localhost:80", "https://a:0", "https://a:65536", "https://a:",
		"https://a:08", "https://[::1", "https://]", "https://::1", "https://[127.0.0.1]", "https://[0:0::1]", "ftp://a",
		"https://a..b", "https://-a", "https://a-", "https://a b", "https://ä.example", "https://a.", "https://[::1]x", "https://[]",
	} {
		if o, err := web.ParseOrigin(s); err == nil {
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
		o := origin(t, s)
		if got := [2]bool{o.IsLoopback(), o.Secure()}; got != want {
			t.Errorf("%s: got %v, want %v", s, got, want)
		}
	}
	if !(web.Origin{}).IsZero() || (web.Origin{}).IsLoopback() {
		t.Error("the zero origin is something")
	}
}

// HT-01, MD-01: no header changes the issuer.
func TestNoHeaderChangesAConfiguredIssuer(t *testing.T) {
	t.Parallel()
	var got string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = web.Issuer(r).String() })
	serve(h, web.Options{Edge: edge(t)}, "GET", "/", "", "Host: evil.example", "X-Forwarded-Host: evil.example",
		"X-Forwarded-Proto: http", "Forwarded: host=evil.example", "X-Original-URL: /x")
	if got != "https://auth.example.com" {
		t.Errorf("got %s", got)
	}
}

func TestAnIssuerIsDetectedOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	loop, public := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}
	for _, c := range []struct {
		claim, peer, host string
		local             net.Addr
		want              string
	}{
		{"own machine", "127.0.0.1:5000", "127.0.0.1:8085", loop, "http://127.0.0.1:8085"},
		{"by name", "[::1]:5000", "localhost:8085", nil, "http://localhost:8085"},
		{"another machine", "192.0.2.1:5000", "127.0.0.1:8085", loop, ""},
		{"a name that points at loopback", "127.0.0.1:5000", "evil.example:8085", loop, ""},
		{"a name that points at loopback, with a certificate", "127.0.0.1:5000", "evil.example:8085", loop, ""},
		{"own machine, with a certificate", "127.0.0.1:5000", "localhost:8085", loop, "https://localhost:8085"},
		{"a public address of this machine", "127.0.0.1:5000", "127.0.0.1:8085", public, ""},
		{"a malformed host", "127.0.0.1:5000", "127.0.0.1:8085/x", loop, ""},
	} {
		var got string
		h := web.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = web.Issuer(r).String() }), web.Options{})
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = c.peer, c.host
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if strings.Contains(c.claim, "certificate") {
			r.TLS = &tls.ConnectionState{}
		}
		if c.local != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got != c.want || c.want == "" && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %q and status %d, want %q", c.claim, got, w.Code, c.want)
		}
	}
}
