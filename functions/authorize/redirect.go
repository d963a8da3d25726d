package authorize

import (
	"net/http"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
)

// policy decides which redirect URIs there may be.
func (h *handler) policy(r *http.Request) oauth.RedirectPolicy {
	return oauth.RedirectPolicy{Issuer: edge.Issuer(r).String(), Schemes: h.Schemes}
}

// redirect returns the redirect URI of a transaction. It was the client's when the page was
// made; whether one like it may be at all is asked again.
func (h *handler) redirect(r *http.Request, t transaction) (oauth.Redirect, error) {
	return h.policy(r).Match([]string{t.Request.RedirectURI}, t.Request.RedirectURI)
}

// answerOf are the parameters of every authorization response: iss always (RFC 9207 §2),
// state exactly as it came.
func answerOf(t transaction) []string { return []string{"state", t.Request.State, "iss", t.Issuer} }

// sendDenied sends the browser to the client without a code (RFC 6749 §4.1.2.1). Neither the
// page nor a sign-in under way can be completed in this browser any more.
func sendDenied(
	w http.ResponseWriter, r *http.Request, to oauth.Redirect, t transaction, description string,
) error {
	forget(w, r, t)
	return send(w, r, to, t, "", "error", string(oauth.AccessDenied), "error_description", description)
}

// providerURL is where the browser goes to sign in.
func (h *handler) providerURL(r *http.Request, t transaction, hints upstream.Hints) (string, error) {
	return h.Provider.AuthCodeURL(r.Context(), edge.Issuer(r).URL(oauth.CallbackPath), t.state(), t.verifier(), hints)
}
