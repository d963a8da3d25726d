package cimd

import (
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/origin"
)

// maxID is the longest client_id that is a URL, in bytes.
const maxID = 512

// An ID is a client_id that may name a metadata document. Only [ParseID] makes a
// usable one, so holding it is the permission to fetch from there. It compares with
// ==, as strings do; nothing is ever normalised.
type ID struct {
	url      string
	host     string // with the port if one is written
	name     string // the host without port
	issuer   string
	loopback bool
}

// IsURL reports whether a client_id is meant as a URL. Registered ids never are.
func IsURL(clientID string) bool { return strings.Contains(clientID, "://") }

// ParseID reads a client_id by the rules of the draft (§3, Client Identifier) and some
// stricter ones: https, a domain name in lower case, no port but 443, a path, no
// fragment, user information or dot segment, at most 512 bytes. A query is a part of the id
// like any other. When issuer, our own
// origin, is a loopback address, so may the id's be, over http as well and on any port.
// The error is a [*Problem].
func ParseID(s string, issuer origin.Origin) (ID, error) {
	scheme, rest, _ := strings.Cut(s, "://")
	beforeQuery, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(beforeQuery, "/")
	id := ID{url: s, host: authority, name: authority, issuer: issuer.String()}
	switch {
	case len(s) > maxID:
		return ID{}, refuseID("", "client_id is longer than 512 bytes")
	case scheme != "https" && scheme != "http":
		return ID{}, refuseID("", "client_id must start with https://")
	case strings.Trim(s, idCharacters) != "":
		return ID{}, refuseID("", "client_id has a character that it may not have: no fragment, no escapes in its host")
	}
	if err := id.checkHost(scheme, issuer); err != nil {
		return ID{}, err
	}
	if path == "" {
		return ID{}, refuseID(id.host, "client_id needs a path: it is the address of a document")
	}
	if !plainPath(path) {
		return ID{}, refuseID(id.host,
			"client_id has a dot segment, an escaped slash or a malformed escape in its path")
	}
	if !plainQuery(query) {
		return ID{}, refuseID(id.host, "client_id has a malformed or a control character's escape in its query")
	}
	return id, nil
}

// idCharacters are those of a URL without fragment (RFC 3986).
const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?[]@!$&'()*+,;=%"

// String returns the URL as it came.
func (id ID) String() string { return id.url }

// Host returns the host, with its port where one is written.
func (id ID) Host() string { return id.host }

// Shared reports whether the host is known to publish files for anybody who asks, so
// that its name says nothing about the client (SF-16).
func (id ID) Shared() bool { return inside(id.name, sharedHosts) }

func refuseID(host, says string) error { return &Problem{Kind: Refused, Host: host, Says: says} }

func (id *ID) checkHost(scheme string, issuer origin.Origin) error {
	name, port := origin.SplitPort(id.host)
	if name != id.host && !origin.ValidPort(port) {
		return refuseID("", "client_id has a malformed port")
	}
	id.name = name
	if origin.LoopbackSpelling(id.name) {
		id.loopback = true
		return id.checkLoopback(port, issuer)
	}
	switch {
	case scheme != "https":
		return refuseID("", "client_id must start with https://")
	case !origin.DomainName(id.name):
		return refuseID("", "client_id needs a domain name in lower-case letters, digits and hyphens, and no address")
	case port != "" && port != "443":
		return refuseID(id.host, "client_id may not have a port")
	case id.name == hostname(issuer), inside(id.name, internalHosts):
		return refuseID(id.host, "client_id may not be on this host")
	}
	return nil
}

// checkLoopback lets a client on this machine in when we are there ourselves (CIM-11).
// Our own address is refused under every name.
func (id *ID) checkLoopback(port string, issuer origin.Origin) error {
	own := issuer.String()[strings.LastIndexByte(issuer.String(), ':')+1:]
	if !issuer.IsLoopback() || port == "" || port == own {
		return refuseID("", "client_id may not be on this host")
	}
	return nil
}

func hostname(o origin.Origin) string {
	host, _ := origin.SplitPort(o.Host())
	return host
}

// plainPath refuses what another parser could resolve to another document.
func plainPath(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		decoded, err := url.PathUnescape(segment)
		name, _, _ := strings.Cut(decoded, ";")
		if err != nil || name == "." || name == ".." || strings.ContainsFunc(decoded, outsidePath) {
			return false
		}
	}
	return true
}

// outsidePath reports what no segment of a path may have, once it is unescaped.
func outsidePath(r rune) bool {
	return strings.ContainsRune(`/\[]`, r) || r < 0x20 || r == 0x7f
}

// plainQuery refuses what a server could read as the end of a line.
func plainQuery(query string) bool {
	decoded, err := url.QueryUnescape(query)
	return err == nil && !strings.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
