package authorize

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
)

// authorize checks a request and shows the consent page (RFC 6749 §4.1.1). It has no
// effect but a cookie, so a client or a browser extension may fetch it as well.
func (h *handler) authorize(w http.ResponseWriter, r *http.Request) error {
	if pages.Prefetch(r) {
		// Browsers drop a prefetched answer that is no success, and ask again when it counts.
		return httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.InvalidRequest, "this page is not fetched ahead of time"))
	}
	params, err := strict.Query(r, "resource")
	if err != nil {
		return err
	}
	client, err := h.client(w, r, params)
	if err != nil || client.ID == "" {
		return err
	}
	redirect, err := policy(r).Match(client.Metadata.RedirectURIs, params.Get("redirect_uri"))
	if err != nil {
		return err // there is nowhere to send the browser yet
	}
	req, err := checkRequest(params, client, redirect, edge.Issuer(r).String())
	if err != nil {
		return h.refuse(w, r, redirect, params.Get("state"), err)
	}
	return h.showConsent(w, r, client, redirect, req)
}

// client looks the client up. For one that is not there it writes a page that says
// how each product forgets a dead registration, and returns no client.
func (h *handler) client(w http.ResponseWriter, r *http.Request, params strict.Form) (store.Client, error) {
	id := params.Get("client_id")
	switch {
	case id == "":
		return store.Client{}, oauth.Refuse(oauth.InvalidRequest, "client_id is missing")
	case cimd.IsURL(id):
		return h.cimdClient(w, r, params)
	}
	client, err := h.Store.Client(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Client{}, h.unknownClient(w, r)
	}
	return client, err
}

// checkRequest checks everything after client and redirect URI.
func checkRequest(params strict.Form, client store.Client, redirect oauth.Redirect, issuer string) (request, error) {
	req := request{ClientID: client.ID, RedirectURI: redirect.String(), State: params.Get("state"), CIMD: client.CIMD}
	if err := checkUnsupported(params); err != nil {
		return req, err
	}
	if len(req.State) > 2000 {
		return req, oauth.Refuse(oauth.InvalidRequest, "state is longer than 2000 bytes")
	}
	switch params.Get("response_type") {
	case oauth.ResponseTypeCode:
	case "":
		return req, oauth.Refuse(oauth.InvalidRequest, "response_type is missing: send code")
	default:
		return req, oauth.Refuse(oauth.UnsupportedResponseType, "response_type must be code")
	}
	var err error
	if req.Challenge, err = oauth.ParseChallenge(params.Get("code_challenge"), params.Get("code_challenge_method")); err != nil {
		return req, err
	}
	if req.Resource, err = oauth.ParseResource(params.All("resource"), issuer); err != nil {
		return req, err
	}
	asked, err := oauth.ParseScopes(params.Get("scope"))
	if err != nil {
		return req, err
	}
	req.Scopes = asked.Effective()
	return req, nil
}

// checkUnsupported refuses what would change the meaning of the request if it were
// ignored. Everything else we do not know is ignored (RFC 6749 §3.1).
func checkUnsupported(params strict.Form) error {
	switch {
	case params.Has("request"):
		return oauth.Refuse(oauth.RequestNotSupported, "request objects are not supported: send plain parameters")
	case params.Has("request_uri"):
		return oauth.Refuse(oauth.RequestURINotSupported, "request_uri is not supported: send plain parameters")
	case params.Has("response_mode") && params.Get("response_mode") != "query":
		return oauth.Refuse(oauth.InvalidRequest, "response_mode must be query, or be left out")
	case slices.Contains(strings.Fields(params.Get("prompt")), "none"):
		return oauth.Refuse(oauth.LoginRequired, "prompt=none cannot be met: the person is asked every time")
	}
	return nil
}

// showConsent renders the page. The transaction is new on every render, so an earlier
// page of the same request stays valid beside it.
func (h *handler) showConsent(w http.ResponseWriter, r *http.Request, client store.Client, redirect oauth.Redirect, req request) error {
	issuer := edge.Issuer(r)
	browser := credential.New("")
	t := newTransaction(req, issuer.String(), browser, h.now(), h.SignInTTL)
	sealed, err := h.seal(r.Context(), purposeConsent, t)
	if err != nil {
		return err
	}
	if len(sealed) > maxSealed {
		return h.refuse(w, r, redirect, "", oauth.Refuse(oauth.InvalidRequest, "state and redirect_uri are too long together: shorten one of them"))
	}
	makeRoom(w, r, consentCookie)
	pages.SetCookie(w, r, consentCookie+t.id(), browser.Reveal(), h.SignInTTL)
	return h.writeConsent(w, r, client, redirect, t, sealed)
}
