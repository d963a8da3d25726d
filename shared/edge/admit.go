package edge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/strict"
)

const (
	// readTime is how long a caller may take to send a body.
	readTime = 10 * time.Second
	// lingerTime is how long the connection of a body that is not wanted stays, so
	// that a caller who is still sending gets to the answer. A proxy that has the body
	// already needs less; whoever sends slowly holds a connection no longer than that.
	lingerTime = time.Second
	// lingerBytes is how much of such a body is read, in bytes: API Gateway and Cloud Run
	// refuse more themselves.
	lingerBytes = 32 << 20
)

// maxCookies is how many cookies are looked at.
const maxCookies = 64

// single lists headers that decide something. Two values of one would let a
// proxy and us read different ones.
var single = []string{
	"Content-Type", "Content-Encoding", "Origin", "Sec-Fetch-Site", "Sec-Purpose",
	"Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-Id",
}

// checkTarget refuses an absolute-form target of another host (RFC 9112 §3.2.2),
// because net/http would take Host from it, and CONNECT and "*".
func checkTarget(r *http.Request, issuer origin.Origin) error {
	if r.URL.Host != "" && r.URL.Host != issuer.Host() {
		return oauth.Refuse(oauth.InvalidRequest, "the request target names another host")
	}
	if r.URL.Path == "" || r.URL.Path[0] != '/' {
		return oauth.Refuse(oauth.InvalidRequest, "the request target is not a path")
	}
	return nil
}

// checkHost keeps web pages out that reach a server of this machine under a name of
// their own, which was pointed at a loopback address (DNS rebinding): such a page passes
// for same-origin, and could approve a consent page by itself. Behind a gateway Host is
// the gateway's business. Over https the page's name would have to be in the certificate.
func (o *Options) checkHost(r *http.Request, issuer origin.Origin) error {
	if o.TrustForwardedAuthorization || issuer.Secure() || r.Host == issuer.Host() {
		return nil
	}
	if named, err := origin.Parse("http://" + r.Host); err == nil && named.IsLoopback() {
		return nil
	}
	return httperr.Status(http.StatusMisdirectedRequest,
		oauth.Refuse(oauth.InvalidRequest, "this server has another name than the one in Host"))
}

func checkHeaders(r *http.Request) error {
	for _, name := range single {
		if len(r.Header[name]) > 1 {
			return oauth.Refuse(oauth.InvalidRequest, "the header %s is repeated", name)
		}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return httperr.Status(http.StatusUnsupportedMediaType,
			oauth.Refuse(oauth.InvalidRequest, "send the body without Content-Encoding"))
	}
	if len(r.Header["Cookie"]) > 0 && len(r.Cookies()) > maxCookies {
		return httperr.Status(http.StatusRequestHeaderFieldsTooLarge,
			oauth.Refuse(oauth.InvalidRequest, "the request has too many cookies"))
	}
	return nil
}

// settleAuthorization leaves the client's own credential in Authorization. Behind
// a gateway that authenticates itself, Authorization holds the gateway's token
// and says nothing about the client; elsewhere X-Forwarded-Authorization is
// whatever a caller likes. So exactly one of the two is read, by configuration.
func settleAuthorization(r *http.Request, forwarded bool) error {
	name := "Authorization"
	if forwarded {
		name = "X-Forwarded-Authorization"
	}
	values := r.Header[name]
	if len(values) > 1 {
		return oauth.Refuse(oauth.InvalidRequest, "the request has more than one Authorization")
	}
	for _, n := range []string{"Authorization", "X-Forwarded-Authorization", "X-Serverless-Authorization"} {
		delete(r.Header, n)
	}
	if len(values) == 1 {
		r.Header["Authorization"] = values
	}
	return nil
}

// limitReading bounds how long the caller may take to send the body. A request without
// a body keeps its connection watched, and gets no limit.
func limitReading(w http.ResponseWriter, r *http.Request) {
	if hasBody(r) {
		// Without a server behind w there is no deadline to set.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime))
	}
}

// abandonBody makes the answer leave at once although the body was not read to its end,
// and reports whether the caller's time is bounded. Without the header net/http first
// reads up to 256 KiB more, to use the connection again. A deadline alone does not do:
// one that passes while the server watches the connection cancels every later request there.
func abandonBody(w http.ResponseWriter) (bounded bool) {
	w.Header().Set("Connection", "close")
	return http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime)) == nil
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// readWhole reads the body to its end before anything parses it, so that a body
// over the limit or cut short is an error and never a shorter form.
func readWhole(w http.ResponseWriter, r *http.Request, limit int64) error {
	if !hasBody(r) {
		return nil
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		return strict.ReadError(err, limit)
	}
	// The server goes on watching the connection for the caller leaving.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if rec, ok := w.(*recorder); ok {
		rec.unread = false
	}
	SetBody(r, body)
	return nil
}

// readBody reads a body of which net/http knows the length without growing. More than was
// announced is refused like less; net/http itself lets neither through.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength <= 0 || r.ContentLength > limit {
		return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	}
	body := make([]byte, r.ContentLength+1)
	n, err := io.ReadFull(r.Body, body)
	ended := errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case ended && int64(n) == r.ContentLength:
		return body[:n], nil
	case err == nil, ended, errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	}
	return nil, err
}

// A memory is a body that is in memory.
type memory struct {
	bytes.Reader
	all []byte
}

func (*memory) Close() error { return nil }

// SetBody gives a request another body, which [Body] returns without a copy.
func SetBody(r *http.Request, body []byte) {
	m := &memory{all: body}
	m.Reset(body)
	r.Body, r.ContentLength = m, int64(len(body))
}

// Body returns the body of a request. The one that [Wrap] read is not copied, must not be
// changed, and can be read again.
func Body(r *http.Request) ([]byte, error) {
	if m, ok := r.Body.(*memory); ok {
		return m.all, nil
	}
	return io.ReadAll(r.Body)
}
