package mcp

import (
	"net/http"
	"slices"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
)

// checkAddress keeps web pages out that were not meant to reach this server (MCP,
// Security; MP-01, TRN-02).
//
// Host must be ours or name this machine. A page whose own name was pointed at a
// loopback address (DNS rebinding) sends its own name there. Behind a gateway Host is
// the gateway's business, and the function cannot be reached past it.
//
// Origin, which only browsers send, must be ours, of this machine (MCP Inspector runs on
// a local port) or configured. The credential is a token that a page has to have, and
// no cookie, so this is a second wall and not the only one.
func (h *handler) checkAddress(r *http.Request) error {
	if !h.Edge.TrustForwardedAuthorization && r.Host != edge.Issuer(r).Host() && !loopbackOrigin("http://"+r.Host) {
		return httperr.Status(http.StatusMisdirectedRequest,
			oauth.Refuse(oauth.InvalidRequest, "this server has another name than the one in Host"))
	}
	origin := r.Header.Get("Origin")
	own := origin == "" || origin == edge.Issuer(r).String()
	if own || loopbackOrigin(origin) || slices.Contains(h.Origins, origin) {
		return nil
	}
	return httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied, "pages of this Origin may not call"))
}

func loopbackOrigin(s string) bool {
	o, err := origin.Parse(s)
	return err == nil && o.IsLoopback()
}
