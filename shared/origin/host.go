package origin

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Loopback reports whether host names this machine: the word localhost or an address
// literal, with or without the brackets of IPv6, and never a name that is resolved.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && a.Unmap().IsLoopback()
}

// LoopbackSpelling reports whether host is one of the spellings of this machine that a
// client may use in a redirect URI or its id: 127.0.0.1, [::1], localhost (RFC 8252 §7.3,
// §8.3) and, in lower case, every name below localhost (RFC 6761 §6.3). Others, such as
// 127.1 or [0::1], are not looked through: two programs could read them differently.
func LoopbackSpelling(host string) bool {
	return slices.Contains([]string{"127.0.0.1", "[::1]", "localhost"}, host) ||
		strings.HasSuffix(host, ".localhost") && ValidHost(host) && strings.ToLower(host) == host
}

// LoopbackURL reports whether an absolute http or https URL leads to this machine.
func LoopbackURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.User == nil && (u.Scheme == "http" || u.Scheme == "https") && Loopback(u.Hostname())
}

// ParseBase reads the base URL of another server: absolute, https, without user
// information, query, fragment or trailing slash; plain http on loopback. An error says
// what the URL has or lacks and repeats nothing of it, as it may carry a secret.
func ParseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.User != nil:
		return nil, errors.New("has user information")
	case strings.ContainsAny(s, "?#"):
		return nil, errors.New("has a query or fragment")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("has no host")
	case strings.HasSuffix(s, "/"):
		return nil, errors.New("ends in a slash")
	case u.Scheme != "https" && !(u.Scheme == "http" && Loopback(u.Hostname())):
		return nil, errors.New("is not https")
	}
	return u, nil
}

// ValidHost reports whether host is a name of letters, digits, hyphens and underscores, an
// IPv4 address, or an IPv6 address in brackets. Underscores are not for host names
// (RFC 952), but DNS and browsers take them, and there are such https hosts. A name whose
// last label is a number must be dotted decimal, because browsers read 127.1, 2130706433
// and 0x7f.1 as addresses (WHATWG URL, "ends in a number").
func ValidHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		a, err := netip.ParseAddr(inner)
		return ok && err == nil && a.Is6() && a.Zone() == ""
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; isNumber(last) {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is4()
	}
	for label := range strings.SplitSeq(host, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return len(host) <= 253
}

// DomainName reports whether host is a name of two labels or more in A-label form, in lower
// case (RFC 5890), that no program takes for an address.
func DomainName(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ".") && issuerHost(host) &&
		strings.ToLower(host) == host && 'a' <= last[0] && last[0] <= 'z'
}

// ValidPort reports whether port is a number from 1 to 65535 without leading zeros.
func ValidPort(port string) bool {
	if port == "" || port[0] == '0' || len(port) > 5 || strings.Trim(port, digits) != "" {
		return false
	}
	return len(port) < 5 || port <= "65535"
}

const (
	digits    = "0123456789"
	hexDigits = digits + "abcdefABCDEF"
	letters   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// validLabel leaves out the A-label of nothing, which one parser drops and another refuses.
func validLabel(label string) bool {
	return label != "" && !strings.EqualFold(label, "xn--") && len(label) <= 63 &&
		strings.Trim(label, letters+digits+"-_") == ""
}

// isNumber reports whether a browser takes the last label of a host for a number.
func isNumber(label string) bool {
	if len(label) >= 2 && (label[:2] == "0x" || label[:2] == "0X") {
		return strings.Trim(label[2:], hexDigits) == ""
	}
	return strings.Trim(label, digits) == ""
}
