package edge_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
)

// No header changes the issuer (HT-01, MD-01).
func TestNoHeaderChangesAConfiguredIssuer(t *testing.T) {
	t.Parallel()
	var got string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = edge.Issuer(r).String() })
	serve(h, edge.Options{Deployment: deployment(t)}, "GET", "/", "", "Host: evil.example",
		"X-Forwarded-Host: evil.example",
		"X-Forwarded-Proto: http", "Forwarded: host=evil.example", "X-Original-URL: /x")
	if got != "https://auth.example.com" {
		t.Errorf("got %s", got)
	}
}

func TestAnIssuerIsDetectedOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	loop, public := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80},
		&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}
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
		read := func(_ http.ResponseWriter, r *http.Request) { got = edge.Issuer(r).String() }
		h := edge.Wrap(edge.Everything(http.HandlerFunc(read)), edge.Options{})
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
