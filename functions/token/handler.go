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
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
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
	// Groups are looked up for whom Allow lets in.
	Groups upstream.Groups
	// Resources are what there is to ask for.
	Resources oauth.Resources
	// HandedOn are the paths of resources whose server is handed people's tokens at the
	// provider, so that these have to be good when a client goes on with it.
	HandedOn []string
	// MembershipTTL is how old the last answer may be at a refresh; zero asks every time.
	MembershipTTL time.Duration
	// EvidenceMaxAge is how old it may become while the provider cannot be asked about a
	// person, before they have to sign in again; zero waits for nothing.
	EvidenceMaxAge time.Duration

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

type handler struct {
	Config
	grants map[string]grantType
	failed *limit.Limiter // failed client authentications, by client and address
}

// A grantType exchanges what a request brings, for a client that has authenticated and may
// use it. All that can be checked beforehand was; what it exchanges it consumes last.
type grantType func(ctx context.Context, req tokenRequest, client store.Client) (granted, error)

// A granted is what a grant type gives: a live grant, the scopes of its next access token,
// and its refresh token, zero if the client does not get one.
type granted struct {
	grant   store.Grant
	scopes  oauth.Scopes
	offline bool // offline_access was asked for, and is granted
	refresh credential.Secret
}

// scope returns what the answer says is granted (RFC 6749 §5.1).
func (g granted) scope() oauth.Scopes {
	if !g.offline {
		return g.scopes
	}
	return append(slices.Clone(g.scopes), oauth.ScopeOffline)
}

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
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	h := &handler{Config: c, failed: newFailureLimiter()}
	h.grants = map[string]grantType{
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

// token answers a token request: read, authenticate, allow the grant type, see to the keys,
// exchange, issue, write. The resource is read with the rest, and compared by the grant type
// with the one that was granted.
func (h *handler) token(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	req, err := h.readTokenRequest(r)
	if err != nil {
		return err
	}
	client, err := h.authenticate(ctx, req.caller, registeredMethodOnly)
	if err != nil {
		return err
	}
	exchange, err := h.grantTypeOf(req)
	if err != nil {
		return err
	}
	if err := h.Issuer.Ready(ctx); err != nil { // before a code or token is consumed
		return err
	}
	got, err := exchange(ctx, req, client)
	if err != nil {
		return err
	}
	resp, err := h.issue(ctx, req.issuer.String(), got)
	if err != nil {
		return err
	}
	return edge.JSON(w, http.StatusOK, resp)
}

// grantTypeOf returns the grant type of a request whose parameters are there. Every client
// is registered for codes; who may refresh is decided by the grant.
func (h *handler) grantTypeOf(req tokenRequest) (grantType, error) {
	exchange, ok := h.grants[req.grantType]
	switch {
	case req.grantType == "":
		return nil, oauth.Refuse(oauth.InvalidRequest,
			"grant_type is missing: send authorization_code or refresh_token")
	case !ok:
		return nil, oauth.Refuse(oauth.UnsupportedGrantType, "grant_type must be authorization_code or refresh_token")
	}
	return exchange, req.flaw
}

// A response is a successful token response (RFC 6749 §5.1).
type response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// issue signs the access token of what was granted.
func (h *handler) issue(ctx context.Context, issuer string, got granted) (response, error) {
	g := got.grant
	access, claims, err := h.Issuer.Issue(ctx, accesstoken.Claims{
		Issuer: issuer, Subject: g.Person.Subject, Audience: g.Resource, ClientID: g.ClientID,
		Scopes: got.scopes, GrantID: g.ID,
	})
	if err != nil {
		return response{}, err
	}
	return response{
		AccessToken: access.Reveal(), TokenType: "Bearer",
		ExpiresIn:    int64(claims.Expiry.Sub(claims.IssuedAt).Seconds()),
		RefreshToken: got.refresh.Reveal(), Scope: got.scope().String(),
	}, nil
}
