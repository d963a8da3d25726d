package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/upstream"
)

// A Config is what the token endpoint needs. Everything but Log and Now is required.
type Config struct {
	Edge     edge.Deployment
	Store    *store.Store
	Issuer   *accesstoken.Issuer
	Verifier *accesstoken.Verifier // of our own access tokens, for /revoke and /introspect

	// Provider and Allow answer whether a person may still enter.
	Provider upstream.Provider
	Allow    upstream.Allow
	// MembershipTTL is how old an answer about organisations and teams may be at a
	// refresh; zero asks every time.
	MembershipTTL time.Duration

	Log *slog.Logger
	Now func() time.Time // nil means time.Now
}

type handler struct {
	Config
	now    func() time.Time
	grants map[string]grantFunc
	failed *limit.Limiter // failed client authentications, by client and address
}

// A grantFunc answers one grant type for a client that has authenticated.
type grantFunc func(ctx context.Context, r *http.Request, client store.Client, form strict.Form) (response, error)

// New returns the token endpoint: /token, /revoke and /introspect.
func New(c Config) (http.Handler, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("token: Config.Store is nil")
	case c.Issuer == nil || c.Verifier == nil:
		return nil, errors.New("token: Config.Issuer or Config.Verifier is nil")
	case c.Provider == nil:
		return nil, errors.New("token: Config.Provider is nil")
	case len(c.Allow.Rules()) == 0:
		return nil, errors.New("token: Config.Allow lets nobody in")
	}
	h := &handler{Config: c, now: c.Now, failed: newFailureLimiter()}
	if h.now == nil {
		h.now = time.Now
	}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	h.grants = map[string]grantFunc{
		oauth.GrantAuthorizationCode: h.authorizationCode,
		oauth.GrantRefreshToken:      h.refreshToken,
	}
	mux := edge.NewMux()
	mux.Handle(http.MethodPost, oauth.TokenPath, noCache(edge.JSONErrors(h.token)))
	mux.Handle(http.MethodPost, oauth.RevokePath, noCache(edge.JSONErrors(h.revoke)))
	mux.Handle(http.MethodPost, oauth.IntrospectPath, noCache(edge.JSONErrors(h.introspect)))
	return edge.Wrap(mux, edge.Options{Deployment: c.Edge, Endpoint: "token"}), nil
}

// noCache adds what RFC 6749 §5.1 wants beside Cache-Control, which every answer has,
// to answers and errors alike.
func noCache(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Pragma", "no-cache")
		h.ServeHTTP(w, r)
	})
}

// A response is a successful token response (RFC 6749 §5.1).
type response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

func (h *handler) token(w http.ResponseWriter, r *http.Request) error {
	form, err := strict.ReadForm(r, "resource")
	if err != nil {
		return err
	}
	client, err := h.authenticate(r, form, registeredMethodOnly)
	if err != nil {
		return err
	}
	grantType := form.Get("grant_type")
	grant, ok := h.grants[grantType]
	switch {
	case grantType == "":
		return oauth.Refuse(oauth.InvalidRequest, "grant_type is missing: send authorization_code or refresh_token")
	case !ok:
		return oauth.Refuse(oauth.UnsupportedGrantType, "grant_type must be authorization_code or refresh_token")
	case !slices.Contains(client.Metadata.GrantTypes, grantType):
		return oauth.Refuse(oauth.UnauthorizedClient, "this client is not registered for the grant type %s", grantType)
	}
	resp, err := grant(r.Context(), r, client, form)
	if err != nil {
		return err
	}
	return edge.JSON(w, http.StatusOK, resp)
}

// respond issues an access token of a grant with the given scopes.
func (h *handler) respond(ctx context.Context, issuer string, g store.Grant, scopes oauth.Scopes, refresh credential.Secret) (response, error) {
	access, claims, err := h.Issuer.Issue(ctx, accesstoken.Claims{
		Issuer: issuer, Subject: g.Person.Subject, Audience: g.Resource, ClientID: g.ClientID, Scopes: scopes, GrantID: g.ID,
	})
	if err != nil {
		return response{}, err
	}
	return response{
		AccessToken: access.Reveal(), TokenType: "Bearer", ExpiresIn: int64(claims.Expiry.Sub(claims.IssuedAt).Seconds()),
		RefreshToken: refresh.Reveal(), Scope: scopes.String(),
	}, nil
}

// requestedResource returns the resource that a token request names, or the one that
// was granted when it names none (RFC 8707 §2.2).
func requestedResource(r *http.Request, form strict.Form, granted string) error {
	if !form.Has("resource") {
		return nil
	}
	resource, err := oauth.ParseResource(form.All("resource"), edge.Issuer(r).String())
	if err != nil {
		return err
	}
	if resource != granted {
		return oauth.Refuse(oauth.InvalidTarget, "resource must be the one that was granted: %s", granted)
	}
	return nil
}
