// Package authority runs Let's Encrypt's test authority, pebble, in the process of a test:
// it certifies whoever answers its challenge (RFC 8555).
package authority

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// An Authority is one that runs until its test ends.
type Authority struct {
	// Directory is its URL, and Roots a file with what the certificate of that URL leads to.
	Directory, Roots string
	// Issued is what the certificates that it issues lead to.
	Issued *x509.CertPool
}

// Start starts an authority to which every name is on 127.0.0.1, where it calls tlsPort for
// the challenge TLS-ALPN-01 and httpPort for HTTP-01. It changes the environment, so the
// test must not be a parallel one.
func Start(t *testing.T, tlsPort, httpPort int) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	logger := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "The default profile"}}
	issuing := ca.New(logger, store, "", "ecdsa", 0, 1, profiles)
	validating := va.New(logger, httpPort, tlsPort, false, startDNS(t), store)
	front := wfe.New(logger, store, validating, issuing, []string{"authority.example"}, false, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	roots := filepath.Join(t.TempDir(), "authority.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, block, 0o600); err != nil {
		t.Fatal(err)
	}
	a := &Authority{Directory: server.URL + wfe.DirectoryPath, Roots: roots, Issued: x509.NewCertPool()}
	if !a.Issued.AppendCertsFromPEM(issuing.GetRootCert(0).PEM()) {
		t.Fatal("the authority has no root")
	}
	return a
}

// startDNS starts a name server that knows every name as 127.0.0.1, and returns its address.
func startDNS(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(answer)}
	go func() { _ = server.ActivateAndServe() }() // returns when the listener is closed
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func answer(w dns.ResponseWriter, question *dns.Msg) {
	m := new(dns.Msg).SetReply(question)
	for _, q := range question.Question {
		if q.Qtype == dns.TypeA {
			header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}
			m.Answer = append(m.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
		}
	}
	_ = w.WriteMsg(m) // who asked may have gone
}
