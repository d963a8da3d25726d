package main

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A client is a web application with a secret. It implements op.Client.
type client struct{ ID, Secret, Callback string }

func all(scopes []string) []string { return scopes }

func (c *client) GetID() string                       { return c.ID }
func (c *client) RedirectURIs() []string              { return []string{c.Callback} }
func (c *client) PostLogoutRedirectURIs() []string    { return nil }
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c *client) LoginURL(id string) string                                { return "/sign-in?id=" + id }
func (c *client) AccessTokenType() op.AccessTokenType                      { return op.AccessTokenTypeBearer }
func (c *client) IDTokenLifetime() time.Duration                           { return time.Hour }
func (c *client) DevMode() bool                                            { return true } // callbacks on http
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string { return all }
func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return all
}
func (c *client) IsScopeAllowed(string) bool           { return false }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true } // all claims in the ID token
func (c *client) ClockSkew() time.Duration             { return 0 }
func (c *client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

// A signIn is one authorization request. It implements op.AuthRequest.
type signIn struct {
	id    string
	login string // once somebody has signed in
	begun time.Time
	*oidc.AuthRequest
}

func (r *signIn) GetID() string                      { return r.id }
func (r *signIn) GetACR() string                     { return "" }
func (r *signIn) GetAMR() []string                   { return []string{"pwd"} }
func (r *signIn) GetAudience() []string              { return []string{r.ClientID} }
func (r *signIn) GetAuthTime() time.Time             { return r.begun }
func (r *signIn) GetClientID() string                { return r.ClientID }
func (r *signIn) GetNonce() string                   { return r.Nonce }
func (r *signIn) GetRedirectURI() string             { return r.RedirectURI }
func (r *signIn) GetResponseType() oidc.ResponseType { return r.ResponseType }
func (r *signIn) GetResponseMode() oidc.ResponseMode { return r.ResponseMode }
func (r *signIn) GetScopes() []string                { return r.Scopes }
func (r *signIn) GetState() string                   { return r.State }
func (r *signIn) GetSubject() string                 { return r.login }
func (r *signIn) Done() bool                         { return r.login != "" }
func (r *signIn) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// A given is a token that was given to a client for a person. It implements
// op.RefreshTokenRequest.
type given struct {
	Login, ClientID string
	Scopes          []string
	AuthTime        time.Time
	Expiry          time.Time
}

func (g *given) GetAMR() []string                 { return []string{"pwd"} }
func (g *given) GetAudience() []string            { return []string{g.ClientID} }
func (g *given) GetAuthTime() time.Time           { return g.AuthTime }
func (g *given) GetClientID() string              { return g.ClientID }
func (g *given) GetScopes() []string              { return g.Scopes }
func (g *given) GetSubject() string               { return g.Login }
func (g *given) SetCurrentScopes(scopes []string) { g.Scopes = scopes }
