package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
)

// tell returns the headers by which the server behind this one knows who calls, and that it
// is us. The caller's own token is never among them (MP-17).
func (h *handler) tell(r *http.Request, c *Caller) (http.Header, error) {
	u := h.Upstream
	out, err := u.tell(r.Context(), h.Identity, edge.Issuer(r).String(), c)
	if err != nil || u.ProviderToken == "" {
		return out, err
	}
	token, err := h.providerToken(r, c)
	if err != nil {
		return nil, err
	}
	if u.ProviderToken == "Authorization" {
		token = "Bearer " + token
	}
	out.Set(u.ProviderToken, token)
	return out, nil
}

// tell returns all of that but the person's token at the provider.
func (u *Upstream) tell(ctx context.Context, signer *identity.Signer, issuer string, c *Caller) (http.Header, error) {
	out := http.Header{}
	switch u.Identity {
	case behind.JWT:
		token, err := signer.Token(ctx, identity.Claims{
			Issuer: issuer, Audience: u.URL(),
			Subject: c.Person.Subject, Login: c.Person.Login, Email: c.Person.Email, Name: c.Person.Name,
			ClientID: c.ClientID, Scopes: c.Scopes,
		})
		if err != nil {
			return nil, err
		}
		out.Set("Authorization", "Bearer "+token)
	case behind.Headers:
		tellPlainly(out, c, u.Asks())
	}
	if u.Secret != nil {
		secret, err := u.Secret.Get(ctx)
		if err != nil {
			return nil, fmt.Errorf("credential for %s: %w", u.Origin(), err)
		}
		out.Set(u.Credential.Header, secret.Reveal())
	}
	if u.run != nil {
		token, err := u.run.get(ctx)
		if err != nil {
			return nil, fmt.Errorf("ID token for %s: %w", u.CloudRun, err)
		}
		out.Set("X-Serverless-Authorization", "Bearer "+token)
	}
	return out, nil
}

// tellPlainly sets the headers of oauth2-proxy, under the prefix for a server behind it and
// the one for a server that asks it. User is the person's id that never changes. What is not
// known, or cannot stand in a header, is left out.
func tellPlainly(out http.Header, c *Caller, asks []string) {
	var groups []string
	for _, rule := range slices.Sorted(maps.Keys(c.Person.Groups)) {
		_, group, _ := strings.Cut(rule, ":")
		if c.Person.Groups[rule] && slices.Contains(asks, rule) && !strings.Contains(group, ",") {
			groups = append(groups, group)
		}
	}
	for name, value := range map[string]string{
		"User": c.Person.Subject, "Email": c.Person.Email, "Preferred-Username": c.Person.Login,
		"Groups": strings.Join(groups, ","),
	} {
		if value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl) {
			continue
		}
		out.Set("X-Forwarded-"+name, value)
		out.Set("X-Auth-Request-"+name, value)
	}
}

// providerToken returns the person's token at the identity provider, if it was given to this
// app. One that has ended and can be renewed is renewed when the client refreshes, so that it
// is told to (RFC 6750 §3.1). Without one the person has to sign in again, which the error of
// the call says.
func (h *handler) providerToken(r *http.Request, c *Caller) (string, error) {
	token, err := h.deps().token(r.Context(), *c)
	if err == nil && token.Expired(h.Now()) && !token.RefreshToken.IsZero() {
		return "", oauth.Refuse(oauth.InvalidToken, "the identity provider's token has ended: refresh yours")
	}
	if issuer, ok := h.Provider.(upstream.TokenIssuer); ok && err == nil {
		err = issuer.Usable(token)
	}
	dead := errors.Is(err, signInAgain) || errors.Is(err, upstream.ErrTokenDead)
	if dead || err == nil && (token.IsZero() || token.Expired(h.Now())) {
		return "", &problem{
			status: http.StatusForbidden, code: jsonrpc.CodeInternalError, message: string(signInAgain),
		}
	}
	if err != nil {
		return "", err
	}
	return token.AccessToken.Reveal(), nil
}
