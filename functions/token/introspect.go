package token

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
)

// An introspection is the answer about a live token (RFC 7662 §2.2). About any other
// token nothing is said but that it is not active.
type introspection struct {
	Active    bool   `json:"active"`
	TokenType string `json:"token_type,omitempty"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	Expiry    int64  `json:"exp,omitempty"`
}

// introspect answers confidential clients about their own tokens, and resource
// servers that the operator registered about every access token.
func (h *handler) introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	caller, err := h.authenticate(r, form, eitherSecretMethod)
	if err != nil {
		return err
	}
	if caller.Public() {
		return oauth.Refuse(oauth.InvalidClient, "introspection needs a client with a secret")
	}
	token := credential.Wrap(form.Get("token"))
	if token.IsZero() {
		return oauth.Refuse(oauth.InvalidRequest, "token is missing")
	}
	answer, err := h.inspect(r.Context(), token, edge.Issuer(r).String(), caller)
	if err != nil {
		return err
	}
	return edge.JSON(w, http.StatusOK, answer)
}

func (h *handler) inspect(ctx context.Context, token credential.Secret, issuer string, caller store.Client) (introspection, error) {
	inactive := introspection{}
	id, genuine, err := h.grantOf(ctx, token, issuer)
	if err != nil || id == "" {
		return inactive, err
	}
	g, err := h.Store.LiveGrant(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return inactive, nil
	}
	if err != nil {
		return inactive, err
	}
	_, isRefresh := store.RefreshGrantID(token)
	own := g.ClientID == caller.ID
	switch {
	case !genuine(g), !own && (isRefresh || !caller.ResourceServer):
		return inactive, nil
	case isRefresh:
		return h.inspectRefresh(g, token, issuer), nil
	}
	claims, err := h.Verifier.Verify(ctx, token, issuer, oauth.Resource(issuer))
	if _, refused := errors.AsType[*oauth.Error](err); refused {
		return inactive, nil
	}
	if err != nil {
		return inactive, err
	}
	return inspectAccess(g, claims), nil
}

func (h *handler) inspectRefresh(g store.Grant, token credential.Secret, issuer string) introspection {
	if !h.Store.CurrentRefreshToken(g, token) {
		return introspection{}
	}
	return introspection{
		Active: true, TokenType: "refresh_token", Scope: g.Scopes.String(), ClientID: g.ClientID,
		Username: g.Person.Login, Subject: g.Person.Subject, Audience: g.Resource, Issuer: issuer, Expiry: g.Expiry.Unix(),
	}
}

func inspectAccess(g store.Grant, c accesstoken.Claims) introspection {
	return introspection{
		Active: true, TokenType: "Bearer", Scope: c.Scopes.String(), ClientID: c.ClientID,
		Username: g.Person.Login, Subject: c.Subject, Audience: c.Audience, Issuer: c.Issuer, ID: c.ID,
		IssuedAt: c.IssuedAt.Unix(), Expiry: c.Expiry.Unix(),
	}
}
