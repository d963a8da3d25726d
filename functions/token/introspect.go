package token

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
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
	q, err := readTokenQuery(r)
	if err != nil {
		return err
	}
	client, err := h.authenticate(r.Context(), q.caller, eitherSecretMethod)
	if err != nil {
		return err
	}
	if client.Public() {
		return oauth.Refuse(oauth.InvalidClient, "introspection needs a client with a secret")
	}
	if err := q.needToken(); err != nil {
		return err
	}
	answer, err := h.inspect(r.Context(), q, client)
	if err != nil {
		return err
	}
	return edge.JSON(w, http.StatusOK, answer)
}

func (h *handler) inspect(ctx context.Context, q tokenQuery, client store.Client) (introspection, error) {
	inactive := introspection{}
	id, genuine, err := h.grantOf(ctx, q)
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
	_, isRefresh := store.RefreshGrantID(q.token)
	own := g.ClientID == client.ID
	switch {
	case !genuine(g), !own && (isRefresh || !client.ResourceServer):
		return inactive, nil
	case isRefresh:
		return h.inspectRefresh(g, q), nil
	}
	claims, err := h.Verifier.Verify(ctx, q.token, q.issuer.String(), g.Resource)
	if _, refused := errors.AsType[*oauth.Error](err); refused {
		return inactive, nil
	}
	if err != nil {
		return inactive, err
	}
	return inspectAccess(g, claims), nil
}

func (h *handler) inspectRefresh(g store.Grant, q tokenQuery) introspection {
	if !h.Store.CurrentRefreshToken(g, q.token) {
		return introspection{}
	}
	return introspection{
		Active: true, TokenType: "refresh_token", Scope: g.Scopes.String(), ClientID: g.ClientID,
		Username: g.Person.Login, Subject: g.Person.Subject, Audience: g.Resource, Issuer: q.issuer.String(),
		Expiry: g.Expiry.Unix(),
	}
}

func inspectAccess(g store.Grant, c accesstoken.Claims) introspection {
	return introspection{
		Active: true, TokenType: "Bearer", Scope: c.Scopes.String(), ClientID: c.ClientID,
		Username: g.Person.Login, Subject: c.Subject, Audience: c.Audience, Issuer: c.Issuer, ID: c.ID,
		IssuedAt: c.IssuedAt.Unix(), Expiry: c.Expiry.Unix(),
	}
}
