package edge

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
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

// LoadBalancerHeader is in what a load balancer of ours sends: its proof, a space, and the
// address of its caller.
const LoadBalancerHeader = "X-Postern-Load-Balancer"

// A Proof is a text by which a request shows that it came through our load balancer. Only
// the load balancer and the functions know it. The zero value is nobody's.
type Proof struct{ text string }

// minProof is so long that nobody guesses it, in characters.
const minProof = 32

// ParseProof reads a proof: 32 characters or more of visible ASCII, without commas.
func ParseProof(s string) (Proof, error) {
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == ',' }
	if len(s) < minProof || strings.ContainsFunc(s, odd) {
		return Proof{}, errors.New("too short, or with other characters than visible ASCII without commas")
	}
	return Proof{s}, nil
}

// String returns "[redacted]", so that a log of what holds a proof tells nobody.
func (Proof) String() string { return "[redacted]" }

// GoString is String, for %#v.
func (p Proof) GoString() string { return p.String() }

// callerOf takes the header of a load balancer out of h. If the proof is in it, it returns
// the address that stands beside it, which is not valid if that is none. Should the load
// balancer not have replaced what a caller sent under that name, its own word is the last.
func (p Proof) callerOf(h http.Header) (caller netip.Addr, proved bool) {
	line := strings.Join(h.Values(LoadBalancerHeader), ",")
	h.Del(LoadBalancerHeader)
	proof, address, _ := strings.Cut(strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]), " ")
	if p.text == "" || subtle.ConstantTimeCompare([]byte(proof), []byte(p.text)) != 1 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.TrimSpace(address))
	if err != nil {
		return netip.Addr{}, true
	}
	return a.Unmap().WithZone(""), true
}

// settleAddress returns the address that limits count for: the load balancer's word, or
// else, for whoever came around it, what the gateway and the platform saw. proved says that
// the request came through the load balancer.
func (d *Deployment) settleAddress(r *http.Request) (a netip.Addr, proved bool) {
	a, proved = d.LoadBalancer.callerOf(r.Header)
	if !a.IsValid() {
		a = clientAddress(r, d.ForwardedForHops)
	}
	return a, proved
}

// refuseAround refuses a request that came around the load balancer, where nobody may: to
// whatever asks, in JSON, and before anything else is read of it.
func refuseAround(w http.ResponseWriter, r *http.Request, issuer origin.Origin) {
	err := httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
		"this request did not come through the load balancer of this server: use %s", issuer))
	Note(r, err)
	WriteJSONError(w, r, err)
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
