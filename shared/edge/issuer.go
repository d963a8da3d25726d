package edge

import (
	"net"
	"net/http"

	"github.com/postern-dev/postern/shared/origin"
)

// Issuer returns the origin that [Wrap] settled for a request: the configured one or,
// where none is, the one that a request on loopback was sent to. No header changes a
// configured one.
func Issuer(r *http.Request) origin.Origin { return stateOf(r.Context()).issuer }

// detectIssuer takes the origin from a request that came to this machine, was sent by it,
// and names it in Host. The last check keeps a page of another site out whose name was
// pointed at loopback.
func detectIssuer(r *http.Request) (origin.Origin, bool) {
	if !origin.LoopbackPeer(r.RemoteAddr) {
		return origin.Origin{}, false
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && !origin.LoopbackPeer(local.String()) {
		return origin.Origin{}, false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	o, err := origin.Parse(scheme + "://" + r.Host)
	return o, err == nil && o.IsLoopback()
}
