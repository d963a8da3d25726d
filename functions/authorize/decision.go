package authorize

import (
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// The fields of the consent form. Nothing else in it counts, and nothing else may be there.
const (
	fieldTransaction = "transaction"
	fieldDecision    = "decision"
	approve          = "approve"
	deny             = "deny"
)

// decide takes the person's decision. The form and a cookie of the same browser must
// fit together: a form alone could be another person's.
func (h *handler) decide(w http.ResponseWriter, r *http.Request) error {
	if err := pages.SameOrigin(r); err != nil {
		h.bindingFailed(r, "", "another site")
		return err
	}
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	if err := form.Only(fieldTransaction, fieldDecision); err != nil {
		return err
	}
	t, err := h.consented(r, form.Get(fieldTransaction))
	if err != nil {
		return err
	}
	redirect, err := h.redirect(r, t)
	if err != nil {
		return err
	}
	switch form.Get(fieldDecision) {
	case approve:
		return h.approve(w, r, t)
	case deny:
		return h.deny(w, r, t, redirect)
	}
	return oauth.Refuse(oauth.InvalidRequest, "press Approve or Deny")
}

// consented opens the form's transaction and checks that this browser was shown it.
func (h *handler) consented(r *http.Request, sealed string) (transaction, error) {
	t, err := h.open(r.Context(), purposeConsent, sealed, edge.Issuer(r).String())
	over := errors.Is(err, errExpired)
	if err != nil && !over {
		return t, startAgain(err)
	}
	pages.Speak(r, t.Request.Language)
	secret, ok := pages.Cookie(r, consentCookie+t.id())
	switch ours := ok && credential.Wrap(secret).Equal(t.Browser); {
	case over && ours:
		return t, h.expired(r, t)
	case over:
		return t, h.expiredUnknown()
	case !ours:
		h.bindingFailed(r, t.Request.ClientID, "consent cookie")
		return t, pages.Say(httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
			"this page was opened in another browser, or was answered before: start again from your application")),
			pages.OtherBrowser)
	}
	return t, nil
}

// startAgain turns the verdicts of seal on a transaction into a refusal. A fault stays one.
func startAgain(err error) error {
	if errors.Is(err, seal.ErrUnreadable) || errors.Is(err, seal.ErrMisplaced) {
		return pages.Say(oauth.RefuseBecause(err, oauth.InvalidRequest,
			"this page is too old or was not ours: start again from your application"), pages.TooOld)
	}
	return err
}

// approve sends the browser to the identity provider. The state that it will bring
// back, and the cookie that must come with it, exist from now on and not before. A
// repeated approval gives the same answer: both are derived from the transaction.
func (h *handler) approve(w http.ResponseWriter, r *http.Request, t transaction) error {
	if err := h.toProvider(w, r, t); err != nil {
		return err
	}
	telemetry.Audit(r.Context(), h.Log, telemetry.ConsentApproved, approvalFields(t)...)
	return nil
}

// toProvider sends the browser to the provider, with the cookie that has to come back with it.
func (h *handler) toProvider(w http.ResponseWriter, r *http.Request, t transaction) error {
	away, err := h.providerURL(r, t, t.Request.Hints)
	if err != nil {
		return err
	}
	sealed, err := h.seal(r.Context(), purposeSignIn, t)
	if err != nil {
		return err
	}
	makeRoom(w, r, signInCookie)
	pages.SetCookie(w, r, signInCookie+t.id(), sealed, t.Expiry.Sub(h.Now())+recognised)
	pages.SeeOther(w, away)
	return nil
}

// deny tells the client (RFC 6749 §4.1.2.1).
func (h *handler) deny(w http.ResponseWriter, r *http.Request, t transaction, redirect oauth.Redirect) error {
	telemetry.Audit(r.Context(), h.Log, telemetry.ConsentDenied, clientField(t))
	return sendDenied(w, r, redirect, t, "the person declined")
}
