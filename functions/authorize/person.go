package authorize

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// identify asks the provider who signed in, and whether they may enter.
func (h *handler) identify(r *http.Request, t transaction, query url.Values) (store.Person, upstream.Token, error) {
	ctx, callback := r.Context(), edge.Issuer(r).URL(oauth.CallbackPath)
	identity, token, err := h.Provider.Exchange(ctx, callback, query, t.verifier())
	if err != nil {
		_, refused := errors.AsType[*oauth.Error](err)
		if refused && !errors.Is(err, upstream.ErrUsed) || errors.Is(err, upstream.ErrSuspended) {
			telemetry.Audit(ctx, h.Log, telemetry.SignInFailed, clientField(t), slog.String("reason", err.Error()))
		}
		return store.Person{}, token, err
	}
	person := store.Person{
		Subject: identity.Subject, Login: identity.Login, Name: identity.Name, Email: identity.Email,
		Session: identity.Session, Checked: h.Now().UTC(),
	}
	person.AllowedBy, err = h.Allow.Check(ctx, h.Provider, token, identity)
	if errors.Is(err, upstream.ErrNotAllowed) {
		telemetry.Audit(ctx, h.Log, telemetry.EntryRefused,
			clientField(t), personField(person.Subject), slog.String("reason", err.Error()))
		h.noteRefusal(ctx, person)
		err = &identified{err, person.Login}
	}
	if err == nil {
		person.Groups, err = h.Groups.Check(ctx, h.Provider, token, identity)
	}
	return person, token, err
}

// identified is the error of somebody who is known and may not enter.
type identified struct {
	error
	login string
}

func (e *identified) Unwrap() error { return e.error }

// noteRefusal lets the operator find whom ALLOW did not let in. The answer is decided before,
// and stays as it is when this fails.
func (h *handler) noteRefusal(ctx context.Context, p store.Person) {
	if err := h.Store.NoteRefusal(ctx, p.Subject, p.Login); err != nil {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "a refused sign-in was not noted for postern users --refused",
			personField(p.Subject), slog.String("error", err.Error()))
	}
}

// letGoWithin bounds how long a person waits while a token that nobody will use is revoked.
const letGoWithin = 2 * time.Second

// letGo revokes the provider's token of a sign-in that brought nothing, so that such tokens do
// not pile up there (K1, UP-11). The answer is decided before, and stays as it is when this
// fails, or when the person does not wait.
func (h *handler) letGo(ctx context.Context, token upstream.Token) {
	p, ok := h.Provider.(upstream.Revoker)
	if !ok || token.IsZero() || !p.Separate() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letGoWithin)
	defer cancel()
	if err := p.Revoke(ctx, token); err != nil {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "the token of a sign-in that failed was not revoked",
			slog.String("error", err.Error()))
	}
}

// mayNotEnter reports whether ALLOW or the provider ruled the account out, which an outage
// never does. Another account may still be let in.
func mayNotEnter(err error) bool {
	refusal, ok := errors.AsType[*oauth.Error](err)
	return errors.Is(err, upstream.ErrNotAllowed) ||
		ok && errors.Is(err, upstream.ErrRefused) && refusal.Code == oauth.AccessDenied
}

// relayDenial tells the client that the person said no at the provider. The client would
// otherwise wait for ever.
func (h *handler) relayDenial(w http.ResponseWriter, r *http.Request, t transaction, redirect oauth.Redirect) error {
	telemetry.Add(r.Context(), slog.String("outcome", "refused"), slog.String("error", string(oauth.AccessDenied)))
	return sendDenied(w, r, redirect, t, "the sign-in was declined at the identity provider")
}
