package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress returns the address that limits are counted for, as [Wrap]
// settled it. It is not valid if there is none; all such requests share a limit.
func ClientAddress(r *http.Request) netip.Addr { return stateOf(r.Context()).address }

// ClientKey returns the key of a limit for the client's address: an IPv4
// address, or the /64 of an IPv6 address, since one line has them all.
func ClientKey(r *http.Request) string {
	a := ClientAddress(r)
	if !a.Is6() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// clientAddress returns the n-th address from the right of X-Forwarded-For, or
// the peer's for n = 0. Whatever stands further left was sent by the client.
// Fewer than n entries mean that the request came around the proxies; then the
// peer is the client.
func clientAddress(r *http.Request, n int) netip.Addr {
	peer := netip.Addr{}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = ap.Addr().Unmap().WithZone("")
	}
	if n == 0 {
		return peer
	}
	return forwardedFor(r.Header.Values("X-Forwarded-For"), n, peer)
}

func forwardedFor(lines []string, n int, peer netip.Addr) netip.Addr {
	entries := strings.Split(strings.Join(lines, ","), ",")
	if n > len(entries) {
		return peer
	}
	s := strings.TrimSpace(entries[len(entries)-n])
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return peer
	}
	return a.Unmap().WithZone("")
}
