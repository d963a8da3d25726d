package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// An Origin is the public origin of the server, which is also its issuer: a
// scheme, a host and perhaps a port. The zero Origin means that none is set.
type Origin struct{ s, host string }

// ParseOrigin reads an origin as it will stand in every document: https, a
// lower-case host, no path, no trailing slash, no default port. Plain http is
// accepted for a loopback host. Nothing is normalised, because the issuer is
// compared byte by byte (RFC 8414 §3.3).
func ParseOrigin(s string) (Origin, error) {
	scheme, authority, ok := strings.Cut(s, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return Origin{}, errors.New("an origin starts with https://")
	}
	host, err := authorityHost(authority)
	if err != nil {
		return Origin{}, err
	}
	if scheme == "http" && !isLoopback(host) {
		return Origin{}, errors.New("plain http is for a loopback address only")
	}
	if p := map[string]string{"https": ":443", "http": ":80"}[scheme]; strings.HasSuffix(authority, p) {
		return Origin{}, errors.New("the default port is not written")
	}
	return Origin{s: s, host: authority}, nil
}

// authorityHost checks host[:port] and returns the host without brackets.
func authorityHost(authority string) (string, error) {
	if strings.ContainsAny(authority, "/?#") {
		return "", errors.New("an origin has no path, query, fragment or trailing slash")
	}
	if strings.Trim(authority, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != "" || authority == "" {
		return "", errors.New("a host has lower-case letters, digits, dots and hyphens")
	}
	host, port := authority, "1"
	if strings.HasPrefix(authority, "[") && strings.HasSuffix(authority, "]") {
		host = authority[1 : len(authority)-1]
	} else if strings.Contains(authority, ":") {
		var err error
		if host, port, err = net.SplitHostPort(authority); err != nil {
			return "", errors.New("the host or port is malformed")
		}
	}
	if !validPort(port) || !validHost(host, strings.HasPrefix(authority, "[")) {
		return "", errors.New("the host or port is malformed")
	}
	return host, nil
}

func validHost(host string, bracketed bool) bool {
	if bracketed {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Is6() && ip.Zone() == "" && ip.String() == host
	}
	if strings.ContainsAny(host, ":[]") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(host) <= 253
}

func validPort(port string) bool {
	if port == "" || port[0] == '0' || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
		return false
	}
	return len(port) < 5 || port <= "65535"
}

// String returns the origin without trailing slash, or the empty string.
func (o Origin) String() string { return o.s }

// Host returns the host and, if it is written, the port.
func (o Origin) Host() string { return o.host }

// IsZero reports whether no origin is set.
func (o Origin) IsZero() bool { return o.s == "" }

// IsLoopback reports whether only this machine can reach the origin.
func (o Origin) IsLoopback() bool {
	h, err := authorityHost(o.host)
	return err == nil && isLoopback(h)
}

// Secure reports whether the origin is https.
func (o Origin) Secure() bool { return strings.HasPrefix(o.s, "https://") }

// URL returns the absolute URL of a path of ours, which starts with a slash.
func (o Origin) URL(path string) string { return o.s + path }

// isLoopback reports whether host is a loopback address or localhost.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Issuer returns the origin that [Wrap] settled for a request: the configured
// one or, where none is, the one that a request on loopback was sent to. No
// header changes a configured one.
func Issuer(r *http.Request) Origin { return stateOf(r.Context()).issuer }

// detectIssuer takes the origin from a request that came to this machine, was
// sent by it, and names it in Host. The last check keeps a page of another site
// out whose name was pointed at loopback.
func detectIssuer(r *http.Request) (Origin, bool) {
	if !loopbackAddr(r.RemoteAddr) {
		return Origin{}, false
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && !loopbackAddr(local.String()) {
		return Origin{}, false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	o, err := ParseOrigin(scheme + "://" + r.Host)
	return o, err == nil && o.IsLoopback()
}

func loopbackAddr(hostport string) bool {
	ap, err := netip.ParseAddrPort(hostport)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
