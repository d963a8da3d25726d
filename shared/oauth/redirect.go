package oauth

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-dev/postern/shared/origin"
)

// Limits of a client's redirect URIs.
const (
	MaxRedirectURIs      = 20
	MaxRedirectURILength = 2000
)

// responseParameters are the names we may add to a redirect URI. A registered
// query that has one would show the client two values (RFC 9207 §2.4).
var responseParameters = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// A RedirectPolicy decides which redirect URIs there may be. Registration,
// authorization and the callback use the same one, so what one accepts the others do.
type RedirectPolicy struct {
	// Issuer is our own origin: no client is sent back to it.
	Issuer string
	// Schemes are the private-use schemes that are taken.
	Schemes Schemes
	// Scopes are those that a client's metadata may name.
	Scopes ScopeSet
	// Most is how many redirect URIs a client may have; 0 means [MaxRedirectURIs].
	Most int
}

// A Redirect is a redirect URI that a client registered and that the policy
// allows. Only [RedirectPolicy.Match] makes a usable one, so holding it is the
// permission to send a browser there (RFC 6749 §4.1.2.1).
type Redirect struct {
	uri   string
	parts redirectParts
}

func (p RedirectPolicy) most() int { return cmp.Or(p.Most, MaxRedirectURIs) }

// Check says whether a client may register uri. The error is invalid_redirect_uri
// and says what to change.
func (p RedirectPolicy) Check(uri string) error {
	_, err := p.parse(uri)
	return err
}

// CheckRequested says whether a request may name uri at all, before it is known what its
// client registered. [RedirectPolicy.Match] begins with it. The errors are refusals that
// say what to change.
func (p RedirectPolicy) CheckRequested(uri string) error {
	_, err := p.parseRequested(uri)
	return err
}

// Match finds the requested URI among the registered ones. They are equal byte for
// byte, with one exception: for http on this machine the port may
// differ and an empty path is "/" (RFC 8252 §7.3, OAuth 2.1 §8.4.2). Both sides are
// checked against the policy as it is now.
func (p RedirectPolicy) Match(registered []string, requested string) (Redirect, error) {
	parts, err := p.parseRequested(requested)
	if err != nil {
		return Redirect{}, err
	}
	for _, r := range registered {
		candidate, err := p.parse(r)
		if err != nil {
			continue
		}
		if r == requested || (parts.loopback && candidate.loopback && parts.withoutPort() == candidate.withoutPort()) {
			return Redirect{uri: requested, parts: parts}, nil
		}
	}
	return Redirect{}, Refuse(InvalidRequest,
		"redirect_uri does not exactly match one registered for this client: asked for %s, registered %s",
		requested, strings.Join(registered, " "))
}

// String returns the URI as the client sent it.
func (r Redirect) String() string { return r.uri }

// IsZero reports whether r permits nothing.
func (r Redirect) IsZero() bool { return r.uri == "" }

// Destination is [Destination] of the URI.
func (r Redirect) Destination() string { return Destination(r.uri) }

// Loopback reports whether the URI leads to a program on the person's own machine.
func (r Redirect) Loopback() bool { return r.parts.loopback }

// PrivateUse reports whether the URI has a private-use scheme, which any program on
// the person's machine may have claimed (RFC 8252 §8.6).
func (r Redirect) PrivateUse() bool { return !web(r.parts.scheme) }

// Destination returns what a redirect URI proves of where it leads: the host, with its
// port where one is written, and of a private-use URI the scheme alone, with its colon.
// What stands behind such a scheme is read by whichever program claimed it and proves
// nothing (RFC 8252 §8.6), though it may be spelled like somebody's host. Every page,
// list and log that names a destination says it in these words.
func Destination(uri string) string {
	scheme, rest, _ := strings.Cut(uri, ":")
	scheme = strings.ToLower(scheme)
	if !web(scheme) {
		return scheme + ":"
	}
	authority := strings.TrimPrefix(rest, "//")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	return authority
}

func web(scheme string) bool { return scheme == "https" || scheme == "http" }

// With returns the URI with parameters appended to its query, name then value. The
// registered bytes stay as they are (RFC 6749 §3.1.2). Empty values are left out.
func (r Redirect) With(nameValues ...string) string {
	var b strings.Builder
	b.WriteString(r.uri)
	separator := "?"
	switch query := r.parts.query; {
	case query == "?", strings.HasSuffix(query, "&"):
		separator = ""
	case query != "":
		separator = "&"
	}
	for i := 0; i+1 < len(nameValues); i += 2 {
		if nameValues[i+1] == "" {
			continue
		}
		b.WriteString(separator + nameValues[i] + "=" + url.QueryEscape(nameValues[i+1]))
		separator = "&"
	}
	return b.String()
}

// redirectParts are the pieces of a URI by our own grammar, as written. Go's url.URL
// hides what matters here: an empty fragment, empty user information, %2F, odd ports.
type redirectParts struct {
	scheme, authority, host, port, path string
	query                               string // with its "?", or empty
	loopback                            bool
}

func (p redirectParts) withoutPort() string {
	path := p.path
	if path == "" {
		path = "/"
	}
	return p.scheme + "://" + p.host + path + p.query
}

func (p RedirectPolicy) parseRequested(uri string) (redirectParts, error) {
	if uri == "" {
		return redirectParts{}, Refuse(InvalidRequest, "redirect_uri is missing: send one that the client registered")
	}
	return p.parse(uri)
}

func (p RedirectPolicy) parse(uri string) (redirectParts, error) {
	var parts redirectParts
	if err := checkCharacters(uri); err != nil {
		return parts, err
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !validScheme(scheme) {
		return parts, refuseRedirect("must be an absolute URI")
	}
	parts.scheme = strings.ToLower(scheme)
	if err := p.checkScheme(scheme); err != nil {
		return parts, err
	}
	rest, parts.query = cutQuery(rest)
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		slash := strings.IndexByte(after, '/')
		if slash < 0 {
			slash = len(after)
		}
		parts.authority, parts.path = after[:slash], after[slash:]
	} else {
		parts.path = rest
		if !strings.HasPrefix(rest, "/") {
			return parts, refuseRedirect("needs // and a host, or a path that starts with /")
		}
	}
	if err := parts.checkAuthority(); err != nil {
		return parts, err
	}
	if err := parts.checkPath(); err != nil {
		return parts, err
	}
	if err := parts.checkQuery(); err != nil {
		return parts, err
	}
	if err := parts.checkLoopback(); err != nil {
		return parts, err
	}
	if p.Issuer != "" && web(scheme) && sameOrigin(parts, p.Issuer) {
		return parts, refuseRedirect("must not lead back to this server")
	}
	return parts, nil
}

// checkScheme judges a scheme as it was written.
func (p RedirectPolicy) checkScheme(written string) error {
	scheme := strings.ToLower(written)
	switch {
	case !web(scheme):
		return p.Schemes.check(scheme)
	case written != scheme:
		return refuseRedirect("must have https or http in lower case")
	}
	return nil
}

// checkCharacters allows the characters of RFC 3986, well-formed escapes, and no
// fragment, however empty.
func checkCharacters(uri string) error {
	if uri == "" || len(uri) > MaxRedirectURILength {
		return refuseRedirect("must have 1 to 2000 characters")
	}
	for i := 0; i < len(uri); i++ {
		switch c := uri[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '#':
			return refuseRedirect("must not have a fragment")
		case c == '%':
			if i+2 >= len(uri) || !isHex(uri[i+1]) || !isHex(uri[i+2]) {
				return refuseRedirect("has a malformed percent escape")
			}
			if v, _ := strconv.ParseUint(uri[i+1:i+3], 16, 8); v < 0x20 || v == 0x7f || v == '\\' {
				return refuseRedirect("has an escaped control character or backslash")
			}
		case strings.IndexByte("-._~:/?[]@!$&'()*+,;=", c) >= 0:
		default:
			return refuseRedirect("has a character that a URI may not have")
		}
	}
	return nil
}

func (p *redirectParts) checkAuthority() error {
	if p.authority == "" {
		if web(p.scheme) {
			return refuseRedirect("needs a host")
		}
		return nil
	}
	if strings.Contains(p.authority, "@") || strings.Contains(p.authority, "%") {
		return refuseRedirect("must not have user information or escapes in its host")
	}
	p.host, p.port = origin.SplitPort(p.authority)
	if p.host != p.authority && !origin.ValidPort(p.port) {
		return refuseRedirect("has a port that is not a number from 1 to 65535")
	}
	if valid := origin.ValidHost(p.host); !valid && (web(p.scheme) || !opaqueHost(p.host)) {
		return refuseRedirect("has a malformed host")
	}
	return nil
}

// opaqueHost recognises what an app may have for a host: nobody resolves it.
func opaqueHost(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
}

// checkPath refuses segments that a browser resolves after we looked.
func (p *redirectParts) checkPath() error {
	for segment := range strings.SplitSeq(p.path, "/") {
		decoded, err := url.PathUnescape(segment)
		if err != nil || strings.ContainsAny(decoded, "/\\") {
			return refuseRedirect("has an escaped slash or backslash in its path")
		}
		// Some parsers resolve dot segments only up to a ";parameter".
		name, _, _ := strings.Cut(decoded, ";")
		if name == "." || name == ".." {
			return refuseRedirect("has a dot segment in its path")
		}
	}
	return nil
}

// checkQuery takes ";" for a separator too, as some clients' parsers do.
func (p *redirectParts) checkQuery() error {
	separator := func(r rune) bool { return r == '&' || r == ';' }
	for pair := range strings.FieldsFuncSeq(strings.TrimPrefix(p.query, "?"), separator) {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || slices.Contains(responseParameters, name) {
			return refuseRedirect("must not have a query parameter named " + strings.Join(responseParameters, ", "))
		}
	}
	return nil
}

// checkLoopback holds plain http to this machine.
func (p *redirectParts) checkLoopback() error {
	if p.scheme != "http" {
		return nil
	}
	if p.loopback = origin.LoopbackSpelling(p.host); !p.loopback {
		return refuseRedirect("may use http only with 127.0.0.1, [::1], localhost or a name below localhost; use https")
	}
	return nil
}

// sameOrigin reports whether p leads to the issuer. On loopback every spelling of the
// host does.
func sameOrigin(p redirectParts, issuer string) bool {
	asked := p.scheme + "://" + withoutDefaultPort(p.scheme, strings.ToLower(p.authority))
	if asked == issuer {
		return true
	}
	u, err := url.Parse(issuer)
	if err != nil || !p.loopback || u.Scheme != "http" {
		return false
	}
	host, _ := origin.SplitPort(u.Host)
	return origin.LoopbackSpelling(host) && cmp.Or(u.Port(), "80") == cmp.Or(p.port, "80")
}

func cutQuery(s string) (before, query string) {
	if i := strings.IndexByte(s, '?'); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func refuseRedirect(what string) error {
	return Refuse(InvalidRedirectURI, "redirect_uri %s", what)
}
