// Package origin knows hosts: which name this machine, which are written well, and what
// an address of ours looks like. Redirect URIs, client ids, settings and the edge all ask
// here, so that none of them means something else by "loopback".
//
//	Origin     the public origin of the server, which is its issuer
//	ParseBase  the base URL of another server
//	Loopback   addresses of this machine         ValidHost  the grammar of a host
package origin

import (
	"errors"
	"net/netip"
	"strings"
)

// An Origin is the public origin of the server, which is also its issuer: a scheme, a
// host and perhaps a port. The zero Origin means that none is set.
type Origin struct{ s, host string }

// Parse reads an origin as it will stand in every document: https, a lower-case host, no
// path, no trailing slash, no default port. Plain http is accepted for a loopback host.
// Nothing is normalised, because the issuer is compared byte by byte (RFC 8414 §3.3).
func Parse(s string) (Origin, error) {
	scheme, authority, ok := strings.Cut(s, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return Origin{}, errors.New("an origin starts with https://")
	}
	host, err := hostOf(authority)
	if err != nil {
		return Origin{}, err
	}
	if scheme == "http" && !Loopback(host) {
		return Origin{}, errors.New("plain http is for a loopback address only")
	}
	if p := map[string]string{"https": ":443", "http": ":80"}[scheme]; strings.HasSuffix(authority, p) {
		return Origin{}, errors.New("the default port is not written")
	}
	return Origin{s: s, host: authority}, nil
}

// hostOf checks host[:port] and returns the host, an IPv6 address in its brackets.
func hostOf(authority string) (string, error) {
	if strings.ContainsAny(authority, "/?#") {
		return "", errors.New("an origin has no path, query, fragment or trailing slash")
	}
	if strings.Trim(authority, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != "" || authority == "" {
		return "", errors.New("a host has lower-case letters, digits, dots and hyphens")
	}
	host, port := SplitPort(authority)
	if len(authority) > len(host) && !ValidPort(port) || !issuerHost(host) {
		return "", errors.New("the host or port is malformed")
	}
	return host, nil
}

// issuerHost is stricter than [ValidHost]: one spelling an address, no hyphen at the end
// of a label.
func issuerHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && ValidHost(host) && "["+a.String()+"]" == host
	}
	for label := range strings.SplitSeq(host, ".") {
		if strings.Trim(label, "-") != label {
			return false
		}
	}
	return ValidHost(host)
}

// String returns the origin without trailing slash, or the empty string.
func (o Origin) String() string { return o.s }

// Host returns the host and, if it is written, the port.
func (o Origin) Host() string { return o.host }

// IsZero reports whether no origin is set.
func (o Origin) IsZero() bool { return o.s == "" }

// IsLoopback reports whether only this machine can reach the origin.
func (o Origin) IsLoopback() bool {
	host, _ := SplitPort(o.host)
	return Loopback(host)
}

// Secure reports whether the origin is https.
func (o Origin) Secure() bool { return strings.HasPrefix(o.s, "https://") }

// URL returns the absolute URL of a path of ours, which starts with a slash.
func (o Origin) URL(path string) string { return o.s + path }

// SplitPort cuts host[:port] where the port begins; the port is empty if none is written.
// An IPv6 address keeps its brackets. Nothing is checked.
func SplitPort(authority string) (host, port string) {
	if strings.HasSuffix(authority, "]") {
		return authority, ""
	}
	if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		return authority[:i], authority[i+1:]
	}
	return authority, ""
}

// LoopbackPeer reports whether the end of a connection, an address literal with a port, is
// this machine.
func LoopbackPeer(address string) bool {
	ap, err := netip.ParseAddrPort(address)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
