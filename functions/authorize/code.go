package authorize

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// issue stores the code and sends it to the client, whose redirect URI is matched once
// more against what is registered now, or what was published when the person was asked.
func (h *handler) issue(
	w http.ResponseWriter, r *http.Request, t transaction, person store.Person, token upstream.Token,
) error {
	login, err := h.login(t, person, token)
	if err != nil {
		return err
	}
	var redirect oauth.Redirect
	err = h.Store.IssueCode(r.Context(), login, func(c store.Client) (err error) {
		redirect, err = h.policy(r).Match(c.Metadata.RedirectURIs, t.Request.RedirectURI)
		return err
	})
	switch {
	case errors.Is(err, store.ErrCompleted):
		return alreadyCompleted(err)
	case errors.Is(err, store.ErrNotFound):
		return unknownClient(r)
	case err != nil:
		return err
	}
	telemetry.Audit(r.Context(), h.Log, telemetry.SignInCompleted, clientField(t), personField(person.Subject))
	h.noteCompleted(r, t)
	forget(w, r, t)
	back(w, redirect, t, "code", login.Code.Reveal())
	return nil
}

func (h *handler) login(t transaction, person store.Person, token upstream.Token) (store.Login, error) {
	now := h.Now().UTC()
	login := store.Login{
		Code:  t.code(),
		Until: t.Expiry,
		Record: store.Code{
			ClientID: t.Request.ClientID, RedirectURI: t.Request.RedirectURI, Challenge: t.Request.Challenge,
			Scopes: t.Request.Scopes, Resource: t.Request.Resource, Person: person, CIMD: t.Request.CIMD,
			Issued: now, Expiry: now.Add(h.CodeTTL),
		},
	}
	if token.IsZero() {
		return login, nil
	}
	var err error
	login.UpstreamToken, err = token.Marshal()
	return login, err
}

// repeated answers a callback whose code at the provider is used up. Usually the
// browser repeated the request: then the login is complete, and nothing is undone.
func (h *handler) repeated(ctx context.Context, t transaction, used error) error {
	done, err := h.Store.CodeExists(ctx, t.code())
	if err != nil {
		return err
	}
	if done {
		return alreadyCompleted(store.ErrCompleted)
	}
	return used
}

func alreadyCompleted(cause error) error {
	return oauth.RefuseBecause(cause, oauth.InvalidRequest,
		"this sign-in is already completed: go back to your application, and start again from there if it is not connected")
}
