package authorize

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// A visit is a sign-in of a person who wants to see their own page, and not for a client: a
// transaction without a request. The provider sends the browser back to the one callback that is
// registered there, so that it is ours (shared/session has what the other function goes by).

// fieldAccount is the one field of the form that begins a visit; anotherAccount has the provider
// offer the choice of accounts.
const (
	fieldAccount   = "account"
	anotherAccount = "another"
)

// visit sends the browser to the provider. Like an approval it needs the browser's own click on a page of ours,
// and leaves the cookie that has to come back with the state.
func (h *handler) visit(w http.ResponseWriter, r *http.Request) error {
	if err := pages.SameOrigin(r); err != nil {
		h.bindingFailed(r, "", "another site")
		return err
	}
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	if err := form.Only(fieldAccount); err != nil {
		return err
	}
	t := newTransaction(request{}, edge.Issuer(r).String(), credential.New(""), h.Now(), h.SignInTTL)
	t.Visit = true
	if form.Get(fieldAccount) == anotherAccount {
		t.Request.Hints = otherAccount(upstream.Hints{})
	}
	return h.toProvider(w, r, t)
}

// arrive ends a visit: the browser has a session, and goes to the page. Who may enter is not
// asked: whoever was let in once may see and end what came of it.
func (h *handler) arrive(w http.ResponseWriter, r *http.Request, t transaction, from callback) error {
	back := edge.Issuer(r).URL(oauth.CallbackPath)
	identity, token, err := h.Provider.Exchange(r.Context(), back, url.Values(from), t.verifier())
	h.letGo(r.Context(), token) // it has said all that we need
	switch {
	case errors.Is(err, upstream.ErrDenied):
		return h.leave(w, r, t)
	case err != nil && httperr.Of(err).Fault, errors.Is(err, upstream.ErrUsed):
		return h.unfinished(r, t, err)
	case err != nil:
		return err
	}
	if err := session.Begin(w, r, h.Box, identity.Subject, identity.Login, h.Now()); err != nil {
		return err
	}
	telemetry.Audit(r.Context(), h.Log, telemetry.ConnectionsOpened, personField(identity.Subject))
	return h.leave(w, r, t)
}

// leave sends the browser to the person's own page, which shows what there is to see.
func (h *handler) leave(w http.ResponseWriter, r *http.Request, t transaction) error {
	forget(w, r, t)
	toConnections(w, r)
	return nil
}

func toConnections(w http.ResponseWriter, _ *http.Request) { pages.SeeOther(w, oauth.ConnectionsPath) }
