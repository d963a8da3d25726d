package authorize

import (
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// issue stores the code and sends it to the client, whose redirect URI is matched once
// more against what is registered now, or what was published when the person was asked.
func (h *handler) issue(
	w http.ResponseWriter, r *http.Request, t transaction, from callback, person store.Person, token upstream.Token,
) error {
	login, err := h.login(t, from, person, token)
	if err != nil {
		return err
	}
	var redirect oauth.Redirect
	err = h.Store.IssueCode(r.Context(), login, func(c store.Client) (err error) {
		redirect, err = h.policy(r).Match(c.Metadata.RedirectURIs, t.Request.RedirectURI)
		return err
	})
	switch {
	case errors.Is(err, store.ErrCompleted): // with the token of the first time
		h.letGo(r.Context(), token)
		return h.again(w, r, t, err, func(c store.Code) bool { return c.Person.Subject == person.Subject })
	case errors.Is(err, store.ErrNotFound):
		h.letGo(r.Context(), token)
		return unknownClient(r)
	case err != nil:
		if !httperr.Of(err).Fault { // after a fault nobody knows whether the token was kept
			h.letGo(r.Context(), token)
		}
		return err
	}
	telemetry.Audit(r.Context(), h.Log, telemetry.SignInCompleted, clientField(t), personField(person.Subject))
	h.noteCompleted(r, t)
	return h.sendCode(w, r, redirect, t, login.Record)
}

// sendCode sends the browser to the client with the code of the transaction. The
// browser can still be recognised while the code waits: it may lose this answer.
func (h *handler) sendCode(
	w http.ResponseWriter, r *http.Request, redirect oauth.Redirect, t transaction, c store.Code,
) error {
	linger(w, r, t, c.Expiry.Sub(h.Now()))
	return send(w, r, redirect, t, c.Person.Login, "code", t.code().Reveal())
}

func (h *handler) login(
	t transaction, from callback, person store.Person, token upstream.Token,
) (store.Login, error) {
	now := h.Now().UTC()
	login := store.Login{
		Code:  t.code(),
		Until: t.Expiry,
		Record: store.Code{
			ClientID: t.Request.ClientID, RedirectURI: t.Request.RedirectURI, Challenge: t.Request.Challenge,
			Scopes: t.Request.Scopes, Resource: t.Request.Resource, Offline: t.Request.Offline,
			Person: person, CIMD: t.Request.CIMD,
			Issued: now, Expiry: now.Add(h.CodeTTL), Callback: from.hash(),
		},
	}
	if token.IsZero() {
		return login, nil
	}
	var err error
	login.UpstreamToken, err = token.Marshal()
	return login, err
}

// again answers the callback of a sign-in that is already complete. A request whose
// answer was lost is sent again, by the platform or by the browser: while the code waits
// for the client and the callback is the same person's, the browser gets the same redirect
// once more. Nothing is issued and nothing undone. Without a code there is only notThere.
func (h *handler) again(
	w http.ResponseWriter, r *http.Request, t transaction, notThere error, same func(store.Code) bool,
) error {
	issued, err := h.Store.Code(r.Context(), t.code())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notThere
	case err != nil:
		return err
	case !issued.Alive(h.Now()) || !same(issued):
		return alreadyCompleted(store.ErrCompleted)
	}
	redirect, err := h.redirect(r, t)
	if err != nil {
		return err
	}
	telemetry.Add(r.Context(), clientField(t), telemetry.Repeated())
	return h.sendCode(w, r, redirect, t, issued)
}

func alreadyCompleted(cause error) error {
	return pages.Say(oauth.RefuseBecause(cause, oauth.InvalidRequest,
		"this sign-in is already completed: "+
			"go back to your application, and start again from there if it is not connected"), pages.AlreadyCompleted)
}
