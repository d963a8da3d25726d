package authorize

import (
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/strict"
)

// authorize checks a request and asks the person (RFC 6749 §4.1.1). It has no effect but a
// cookie, so a client or a browser extension may fetch it as well.
//
// Client and redirect URI come first (RFC 6749 §4.1.2.1): what else is wrong with the
// request concerns the client, and until they are known there is nobody to tell.
func (h *handler) authorize(w http.ResponseWriter, r *http.Request) error {
	if pages.Prefetch(r) {
		// Browsers drop a prefetched answer unless it is a success, and ask again when it counts.
		return httperr.Status(http.StatusForbidden,
			oauth.Refuse(oauth.InvalidRequest, "this page is not fetched ahead of time"))
	}
	params, err := strict.Query(r, "resource")
	if err != nil {
		return err
	}
	language := pages.Speak(r, params.Get("ui_locales"))
	req, invalid := readRequest(params, edge.Issuer(r).String(), h.Resources)
	req.Language = language
	c, err := h.client(r, req, invalid)
	if err != nil {
		return err
	}
	redirect, err := h.policy(r).Match(c.Metadata.RedirectURIs, req.RedirectURI)
	if err != nil {
		return err
	}
	if invalid != nil {
		return refused(r, redirect, req.State, invalid)
	}
	req.CIMD = c.copied
	req.Offline = req.Offline && (h.OfflineAccess || c.Refreshes())
	return h.showConsent(w, r, c, redirect, req)
}
