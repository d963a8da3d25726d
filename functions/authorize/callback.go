package authorize

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

func (h *handler) callbackGet(w http.ResponseWriter, r *http.Request) error {
	params, err := strict.Query(r)
	if err != nil {
		return err
	}
	return h.callback(w, r, params)
}

// callbackPost takes the form of the development sign-in. No other provider posts here.
func (h *handler) callbackPost(w http.ResponseWriter, r *http.Request) error {
	if _, ok := h.Provider.(*upstream.Development); !ok {
		return httperr.Status(http.StatusMethodNotAllowed, oauth.Refuse(oauth.InvalidRequest, "use GET"))
	}
	if err := pages.SameOrigin(r); err != nil {
		return err
	}
	params, err := strict.ReadForm(r)
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
	query := url.Values{}
	for _, name := range params.Names() {
		query[name] = params.All(name)
	}
	if d, ok := h.Provider.(*upstream.Development); ok && d.WantsForm(query) {
		return h.writeSignIn(w, r, t)
	}
	redirect, err := policy(r).Match([]string{t.Request.RedirectURI}, t.Request.RedirectURI)
	if err != nil {
		return err
	}
	person, token, err := h.identify(r, t, query)
	if err == nil {
		err = h.issue(w, r, t, person, token)
	}
	if errors.Is(err, upstream.ErrUsed) {
		err = h.repeated(r.Context(), t, err)
	}
	switch {
	case err == nil:
		return nil
	case declined(err):
		return h.relayDenial(w, r, t, redirect, err)
	case httperr.Of(err).Fault, errors.Is(err, upstream.ErrUsed):
		return h.offerAgain(w, r, t, err)
	}
	return err
}

// declined reports whether the person or the provider said no, or ALLOW did. Such an
// answer is final and meant for the client; an outage never is.
func declined(err error) bool {
	if errors.Is(err, upstream.ErrDenied) || errors.Is(err, upstream.ErrNotAllowed) {
		return true
	}
	refusal, ok := errors.AsType[*oauth.Error](err)
	return ok && errors.Is(err, upstream.ErrRefused) && refusal.Code == oauth.AccessDenied
}

// approved returns the transaction that this browser approved (SBP, OAuth State Validation).
func (h *handler) approved(r *http.Request, state string) (transaction, error) {
	id, _, _ := strings.Cut(state, ".")
	sealed, ok := pages.Cookie(r, signInCookie+id)
	if id == "" || !ok {
		return transaction{}, h.otherBrowser(r, "no cookie for this state")
	}
	t, err := h.open(r.Context(), purposeSignIn, sealed, edge.Issuer(r).String())
	if err != nil {
		return t, startAgain(err)
	}
	if subtle.ConstantTimeCompare([]byte(state), []byte(t.state())) != 1 {
		return t, h.otherBrowser(r, "state does not match the cookie")
	}
	return t, nil
}

func (h *handler) otherBrowser(r *http.Request, reason string) error {
	h.bindingFailed(r, "", reason)
	return httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
		"this sign-in was not approved in this browser, or is already completed: start again from your application"))
}

// identify asks the provider who signed in, and whether they may enter.
func (h *handler) identify(r *http.Request, t transaction, query url.Values) (store.Person, upstream.Token, error) {
	identity, token, err := h.Provider.Exchange(r.Context(), edge.Issuer(r).URL(oauth.CallbackPath), query, t.verifier())
	if err != nil {
		if _, refused := errors.AsType[*oauth.Error](err); refused && !errors.Is(err, upstream.ErrUsed) {
			telemetry.Audit(r.Context(), h.Log, telemetry.SignInFailed, clientField(t), slog.String("reason", err.Error()))
		}
		return store.Person{}, token, err
	}
	person := store.Person{Subject: identity.Subject, Login: identity.Login, Name: identity.Name, Email: identity.Email, Checked: h.now().UTC()}
	person.AllowedBy, err = h.Allow.Check(r.Context(), h.Provider, token, identity)
	if errors.Is(err, upstream.ErrNotAllowed) {
		telemetry.Audit(r.Context(), h.Log, telemetry.EntryRefused, clientField(t), personField(person.Subject), slog.String("reason", "no rule of ALLOW"))
	}
	return person, token, err
}

// issue stores the code and sends it to the client, whose redirect URI is matched
// once more against what is registered now, or what was published when the person was asked.
func (h *handler) issue(w http.ResponseWriter, r *http.Request, t transaction, person store.Person, token upstream.Token) error {
	login, err := h.login(t, person, token)
	if err != nil {
		return err
	}
	var redirect oauth.Redirect
	err = h.Store.IssueCode(r.Context(), login, func(c store.Client) (err error) {
		redirect, err = policy(r).Match(c.Metadata.RedirectURIs, t.Request.RedirectURI)
		return err
	})
	switch {
	case errors.Is(err, store.ErrCompleted):
		return alreadyCompleted(err)
	case errors.Is(err, store.ErrNotFound):
		return h.unknownClient(w, r)
	case err != nil:
		return err
	}
	pages.ClearCookie(w, r, consentCookie+t.id())
	pages.ClearCookie(w, r, signInCookie+t.id())
	telemetry.Audit(r.Context(), h.Log, telemetry.SignInCompleted, clientField(t), personField(person.Subject))
	back(w, redirect, t, "code", login.Code.Reveal())
	return nil
}

func (h *handler) login(t transaction, person store.Person, token upstream.Token) (store.Login, error) {
	now := h.now().UTC()
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

// relayDenial tells the client, which would otherwise wait for ever.
func (h *handler) relayDenial(w http.ResponseWriter, r *http.Request, t transaction, redirect oauth.Redirect, cause error) error {
	pages.ClearCookie(w, r, consentCookie+t.id())
	pages.ClearCookie(w, r, signInCookie+t.id())
	description := "this account may not enter: ask the operator of the server"
	if refusal, ok := errors.AsType[*oauth.Error](cause); ok {
		description = refusal.Description // a fixed sentence of ours
	}
	telemetry.Add(r.Context(), slog.String("outcome", "refused"), slog.String("error", string(oauth.AccessDenied)))
	back(w, redirect, t, "error", string(oauth.AccessDenied), "error_description", description)
	return nil
}
