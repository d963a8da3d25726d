package oidc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
)

// logoutTypes are the types that a logout token may say it has (Back-Channel Logout 1.0 §2.4):
// its own, or that of any JWT, which older providers write. One without a type may be one as
// well. An ID token or an access token that says what it is cannot.
var logoutTypes = []string{"", "jwt", "logout+jwt", "application/logout+jwt"}

// SignedOut reads a logout token: who signed out at the provider, and when (Back-Channel
// Logout 1.0 §2.6). A token that is not good is an [*oauth.Error]; every other error is an
// outage.
func (p *Provider) SignedOut(ctx context.Context, token string) (upstream.SignOut, error) {
	bad := func(cause error) (upstream.SignOut, error) {
		return upstream.SignOut{}, oauth.RefuseBecause(cause, oauth.InvalidRequest, "logout_token is not good")
	}
	v, k, err := p.verifier(ctx)
	if err != nil {
		return upstream.SignOut{}, err
	}
	if err := checkLogoutType(token); err != nil {
		return bad(err)
	}
	t, err := v.VerifyLogout(ctx, token)
	switch {
	case k.outage != nil:
		return upstream.SignOut{}, k.outage
	case err != nil:
		return bad(plain(err))
	}
	var said struct {
		Events map[string]map[string]any `json:"events"`
	}
	switch {
	case !p.Knows(t.Issuer):
		return bad(errors.New("it is of another issuer"))
	case t.Claims(&said) != nil:
		return bad(errors.New("an event in it is not an object"))
	case t.IssuedAt.Unix() <= 0 || t.IssuedAt.After(p.Now().Add(tolerance)):
		return bad(errors.New("it was made in the future, or does not say when"))
	case t.Subject != "" && !sane(t.Subject) || t.SessionID != "" && !sane(t.SessionID):
		return bad(errors.New("it names nobody that there can be"))
	}
	// Whoever signed in after this did so again. By how much the clocks differ nobody knows.
	out := upstream.SignOut{Before: t.IssuedAt.Add(tolerance)}
	if t.Subject != "" {
		out.Subject = Subject(t.Issuer, t.Subject)
	}
	if t.SessionID != "" {
		out.Session = session(t.Issuer, t.SessionID)
	}
	return out, nil
}

// session is a session at a provider (sid, which is unique at its issuer).
func session(issuer, sid string) string {
	if sid == "" {
		return ""
	}
	return issuer + "#" + sid
}

func checkLogoutType(token string) error {
	jws, err := jose.ParseSignedCompact(token, anyAlgorithm())
	if err != nil {
		return errors.New("it is malformed, or signed by an algorithm that is not taken")
	}
	typ, _ := jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType].(string)
	if !slices.Contains(logoutTypes, strings.ToLower(typ)) {
		return errors.New("it is another kind of token")
	}
	return nil
}
