package authorize

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/upstream"
)

func (h *handler) callbackGet(w http.ResponseWriter, r *http.Request) error {
	params, err := strict.Query(r)
	if err != nil {
		return err
	}
	return h.callback(w, r, params)
}

// callback completes a sign-in: first the browser, then the identity, then who may
// enter, then the code. Before the browser is known to be the one that approved,
// nothing is asked of the provider and nothing is told to the client.
func (h *handler) callback(w http.ResponseWriter, r *http.Request, params strict.Form) error {
	t, err := h.approved(r, params.Get("state"))
	if err != nil {
		return err
	}
	from := callbackOf(params)
	if p, ok := h.Provider.(upstream.FormSignIn); ok && p.WantsForm(url.Values(from)) {
		return showSignIn(w, r, t, hint(params.Get(upstream.HintField)))
	}
	if t.Visit {
		return h.arrive(w, r, t, from)
	}
	redirect, err := h.redirect(r, t)
	if err != nil {
		return err
	}
	switch err := h.complete(w, r, t, from); {
	case err == nil:
		return nil
	case errors.Is(err, upstream.ErrDenied):
		return h.relayDenial(w, r, t, redirect)
	case mayNotEnter(err):
		return h.noEntry(r, t, redirect, err)
	case httperr.Of(err).Fault, errors.Is(err, upstream.ErrUsed):
		return h.unfinished(r, t, err)
	default:
		return err
	}
}

// approved returns the transaction that this browser approved (MCP security best
// practices, OAuth State Validation).
func (h *handler) approved(r *http.Request, state string) (transaction, error) {
	id, _, _ := strings.Cut(state, ".")
	sealed, ok := pages.Cookie(r, signInCookie+id)
	switch {
	case !ok && saysOver(state, h.Now()):
		return transaction{}, h.expiredUnknown()
	case id == "" || !ok:
		return transaction{}, h.otherBrowser(r, "no cookie for this state")
	}
	t, err := h.open(r.Context(), purposeSignIn, sealed, edge.Issuer(r).String())
	over := errors.Is(err, errExpired)
	pages.Speak(r, t.Request.Language)
	switch {
	case err != nil && !over:
		return t, startAgain(err)
	case subtle.ConstantTimeCompare([]byte(state), []byte(t.state())) != 1:
		return t, h.otherBrowser(r, "state does not match the cookie")
	case over:
		return t, h.expired(r, t)
	}
	return t, nil
}

func (h *handler) otherBrowser(r *http.Request, reason string) error {
	h.bindingFailed(r, "", reason)
	return pages.Say(httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
		"this sign-in was not approved in this browser, or is already completed: start again from your application")),
		pages.NotApprovedHere)
}

// complete asks who signed in, and sends the code to the client if they may enter.
func (h *handler) complete(w http.ResponseWriter, r *http.Request, t transaction, from callback) error {
	person, token, err := h.identify(r, t, url.Values(from))
	if errors.Is(err, upstream.ErrUsed) { // nobody can be asked who it is, but the very same callback knew
		return h.again(w, r, t, err, func(c store.Code) bool { return c.Callback == from.hash() })
	}
	if err != nil {
		h.letGo(r.Context(), token)
		return err
	}
	return h.issue(w, r, t, from, person, token)
}

// A callback is what the identity provider sent the browser back with.
type callback url.Values

func callbackOf(params strict.Form) callback {
	c := callback{}
	for _, name := range params.Names() {
		c[name] = params.All(name)
	}
	return c
}

// hash is the same for the same callback alone.
func (c callback) hash() string { return credential.Hash(url.Values(c).Encode()) }
