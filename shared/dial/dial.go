// Package dial says which addresses may be dialled where somebody else chose the name: a
// client that publishes its metadata, an identity provider's discovery document. It is
// asked by the dialer, about the very address that is dialled.
//
//	Public       the addresses of the internet alone
//	Private      those and the networks of an organisation
//	Loopback     this machine alone
//	Guard        one of them as the check of a dialer
package dial

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrBlocked says that an address may not be dialled.
var ErrBlocked = errors.New("not a public address")

// special are the ranges that are not public unicast: the IANA special-purpose registries
// of IPv4 and IPv6 (RFC 6890), and every form of an IPv6 address that carries an IPv4
// one which nobody needs. [netip.Addr.IsGlobalUnicast] and IsPrivate know few of them.
var special = prefixes(
	"0.0.0.0/8",       // this network, RFC 791
	"10.0.0.0/8",      // private, RFC 1918
	"100.64.0.0/10",   // carrier-grade NAT, RFC 6598
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link local, and the metadata servers of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocol assignments, RFC 6890
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112, RFC 7535
	"192.52.193.0/24", // AMT, RFC 7450
	"192.88.99.0/24",  // 6to4 relays, RFC 7526
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112, RFC 7534
	"198.18.0.0/15",   // benchmarks, RFC 2544
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast

	"::/96",           // unspecified, loopback, IPv4-compatible
	"::ffff:0:0:0/96", // translated, RFC 2765
	"64:ff9b:1::/48",  // NAT64 of one network, RFC 8215
	"100::/64",        // discard, RFC 6666
	"100:0:0:1::/64",  // dummy, RFC 9780
	"2001::/23",       // IETF protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4
	"2620:4f:8000::/48",
	"3fff::/20", // documentation, RFC 9637
	"5f00::/16", // segment routing, RFC 9602
	"fc00::/7",  // unique local
	"fe80::/10", // link local
	"fec0::/10", // site local, RFC 3879
	"ff00::/8",  // multicast
)

// nat64 is the well-known prefix of a translator (RFC 6052 §2.1). Networks without IPv4
// reach public IPv4 hosts through it.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// Public reports whether an address is public unicast, and so is the IPv4 address that
// it carries, if it carries one (SF-01, SF-03).
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || isatap(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	if nat64.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return true
}

// isatap recognises the interface identifiers of RFC 5214 §6.1 under any prefix.
func isatap(a netip.Addr) bool {
	b := a.As16()
	return a.Is6() && b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// Allowed decides about an address.
type Allowed func(netip.Addr) bool

// Guard returns the check of a dialer ([net.Dialer.Control]), which is asked about each
// address right before it is dialled, after every resolution (SF-01, SF-02).
func Guard(allowed Allowed) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || network != "tcp4" && network != "tcp6" || !allowed(ap.Addr()) {
			return fmt.Errorf("dial %s: %w", address, ErrBlocked)
		}
		return nil
	}
}

// Loopback reports whether an address is this machine.
func Loopback(a netip.Addr) bool { return a.Unmap().IsLoopback() }

// networks are the ranges that an organisation gives to its own machines.
var networks = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
	"100.64.0.0/10", // RFC 6598, which clouds and overlay networks use
	"fc00::/7",      // RFC 4193
)

// Private reports whether an address is public, or of an organisation's network. Metadata
// servers of clouds are neither: they are link local, or listed here.
func Private(a netip.Addr) bool {
	a = a.Unmap()
	if Public(a) {
		return true
	}
	if a.Zone() != "" || isatap(a) || slices.Contains(metadata, a) {
		return false
	}
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// metadata are the metadata servers within [networks].
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // Amazon
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("fd20:ce::254"),    // Google
}
