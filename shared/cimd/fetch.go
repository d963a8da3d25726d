package cimd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/dial"
)

// Limits of one fetch.
const (
	connectTimeout = 3 * time.Second
	totalTimeout   = 5 * time.Second // the body included
	// maxDocument is more than the 5 KiB that the draft recommends, because some real
	// documents list many addresses.
	maxDocument = 16 << 10
	maxHeader   = 16 << 10
)

// userAgent is all that we say of ourselves.
const userAgent = "Postern client metadata fetch"

// newClient returns an HTTP client that dials allowed addresses alone, on its own: no
// proxy and nothing else from the environment (SF-13), no cookies, no redirects (SF-04),
// no compression (SF-06), no connection that outlives its request. roots nil means the
// system's.
func newClient(allowed dial.Allowed, resolver *net.Resolver, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout, Control: dial.Guard(allowed), Resolver: resolver}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    connectTimeout,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An answer is what the host said.
type answer struct {
	body        []byte
	etag        string
	lifetime    time.Duration
	notModified bool // there is no body: the one under the etag that was sent is right
}

// get asks for a document once. etag names the one that is in the cache, if there is one.
// A failure is a [*Problem].
func get(ctx context.Context, c *http.Client, id ID, etag string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id.url, nil)
	if err != nil {
		return answer{}, unreachable(id, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", userAgent)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, unreachable(id, err)
	}
	defer resp.Body.Close()
	a := answer{etag: etagOf(resp.Header), lifetime: lifetime(resp.Header)}
	if resp.StatusCode == http.StatusNotModified && etag != "" {
		a.notModified = true
		return a, nil
	}
	if err := checkHead(id, resp); err != nil {
		return answer{}, err
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return answer{}, unreachable(id, fmt.Errorf("read body: %w", err))
	}
	if len(a.body) > maxDocument {
		says := "the document at " + id.host + " is larger than 16 KiB"
		return answer{}, &Problem{Kind: Malformed, Host: id.host, Says: says}
	}
	return a, nil
}

// unreachable is one sentence for whatever keeps us from an answer: a name that does not
// resolve, an address that may not be dialled, nobody listening, a certificate that does
// not hold, too slow an answer (SF-12). The log has the cause without the URL, whose path
// is a stranger's text.
func unreachable(id ID, cause error) error {
	if e, ok := errors.AsType[*url.Error](cause); ok {
		cause = e.Err
	}
	says := "the document at " + id.host + " could not be read"
	return &Problem{Kind: Unreadable, Host: id.host, Says: says, Cause: cause}
}

// A statusError is an answer with another status than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

func checkHead(id ID, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		cause := statusError(resp.StatusCode)
		says := id.host + " answered with " + cause.Error() + " in place of the document"
		return &Problem{Kind: Unreadable, Host: id.host, Says: says, Cause: cause}
	}
	malformed := func(says string) error {
		says = id.host + " answered with " + says + " in place of a JSON document"
		return &Problem{Kind: Malformed, Host: id.host, Says: says}
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return malformed("a compressed body, which nobody asked for,")
	}
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	suffixed := strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
	if err != nil || mediaType != "application/json" && !suffixed {
		return malformed("another media type")
	}
	return nil
}

// outage reports whether a failure says nothing about the document: the host is down, or
// turns us away. A host that answers with another document, or says that there is none,
// has changed its mind.
func outage(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Kind != Unreadable {
		return ok && p.Kind == Busy
	}
	status, answered := errors.AsType[statusError](err)
	return !answered || status >= 500 || status == http.StatusForbidden ||
		status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}
