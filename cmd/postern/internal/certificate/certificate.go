// Package certificate gets the certificate of a server from an authority that speaks ACME
// (RFC 8555), keeps it in a directory and renews it in time.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/postern-dev/postern/shared/origin"
)

// LetsEncrypt is the directory of the authority that is asked unless another is named.
const LetsEncrypt = autocert.DefaultACMEDirectory

// Options is what [New] needs.
type Options struct {
	// Host is the name that the certificate is for. No other name gets one.
	Host string
	// Dir is where account, key and certificate are kept.
	Dir string
	// Directory is the authority's URL; empty means [LetsEncrypt].
	Directory string
	// Roots is a file of PEM certificates that the authority's own has to lead to; empty
	// means those of the system.
	Roots string
	// Log says when the certificate is there, and why it is not.
	Log *slog.Logger
}

// A Certificate is one that is fetched and renewed. Whoever makes one accepts the
// authority's terms.
type Certificate struct {
	manager *autocert.Manager
	host    string
	log     *slog.Logger
}

// New returns the certificate of a host. It reads the roots and asks nobody.
func New(o Options) (*Certificate, error) {
	client := &acme.Client{DirectoryURL: o.Directory, UserAgent: "postern"}
	if o.Roots != "" {
		roots, err := readRoots(o.Roots)
		if err != nil {
			return nil, err
		}
		client.HTTPClient = trusting(roots)
	}
	return &Certificate{
		manager: &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Cache:      autocert.DirCache(o.Dir),
			HostPolicy: autocert.HostWhitelist(o.Host),
			Client:     client,
		},
		host: o.Host, log: o.Log,
	}, nil
}

// Possible reports whether a public authority certifies a host: it has to be a name of
// the domain name system, with a dot.
func Possible(host string) bool {
	return net.ParseIP(strings.Trim(host, "[]")) == nil && strings.Contains(strings.Trim(host, "."), ".")
}

func readRoots(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authority's roots: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("read the authority's roots: %s has no certificate in PEM", file)
	}
	return roots, nil
}

func trusting(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
}

// TLS returns the settings of a listener, which also answers the challenge TLS-ALPN-01
// (RFC 8737). A handshake before the certificate is there waits for it.
func (c *Certificate) TLS() *tls.Config { return c.manager.TLSConfig() }

// Challenges returns a handler for plain HTTP that answers the challenge HTTP-01 (RFC 8555
// §8.3), whatever port stands in Host, and leaves all else to next. It has to be called
// before anything is fetched.
func (c *Certificate) Challenges(next http.Handler) http.Handler {
	h := c.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		named := r.WithContext(r.Context())
		named.Host, _ = origin.SplitPort(r.Host)
		h.ServeHTTP(w, named)
	})
}

// How long to wait after a failed attempt, doubled each time. Within a minute the manager
// only repeats what it said.
const (
	firstPause   = 2 * time.Minute
	longestPause = time.Hour
)

// Fetch fetches the certificate, if it is not kept yet, and begins to renew it. The
// listener must be there, since the authority calls it. Fetch tries until ctx ends, and
// says each time what was wrong.
func (c *Certificate) Fetch(ctx context.Context) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := c.attempt()
		if err == nil {
			return
		}
		c.log.LogAttrs(ctx, slog.LevelError, "there is no certificate for "+c.host+
			": its name must lead to this server, on the port that the authority calls",
			slog.Any("error", err), slog.String("again_in", pause.String()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// attempt asks as a client of today does in its handshake.
func (c *Certificate) attempt() error {
	got, err := c.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:       c.host,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		return err
	}
	if got.Leaf == nil {
		return errors.New("the certificate cannot be read")
	}
	c.log.Info("the certificate is there", "host", c.host, "until", got.Leaf.NotAfter)
	return nil
}
