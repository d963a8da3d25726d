package upstream

import (
	"context"
	"errors"
	"net/url"
)

// OIDCName is the name of an OpenID Connect provider, whichever it is: the issuer is part of
// each subject.
const OIDCName = "oidc"

// NoSignIn is an OpenID Connect provider to a function that signs nobody in there and judges
// nobody anew.
type NoSignIn struct{}

var errNoSignIn = errors.New("this function signs nobody in")

// TokensAlone is an OpenID Connect provider to a function that hands people's tokens on and
// asks nothing there. It is a [TokenIssuer].
type TokensAlone struct {
	NoSignIn
	Issuer, ClientID string
}

// Usable implements [TokenIssuer].
func (p TokensAlone) Usable(t Token) error {
	if t.IsZero() || t.Issuer != p.Issuer || t.ClientID != p.ClientID {
		return ErrTokenDead
	}
	return nil
}

// Name returns "oidc".
func (NoSignIn) Name() string { return OIDCName }

// Title returns "the identity provider".
func (NoSignIn) Title() string { return "the identity provider" }

// Answers implements [Provider]. The functions that sign people in look at the rules.
func (NoSignIn) Answers(Rule) error { return nil }

// AuthCodeURL returns an error.
func (NoSignIn) AuthCodeURL(context.Context, string, string, string, Hints) (string, error) {
	return "", errNoSignIn
}

// Exchange returns an error.
func (NoSignIn) Exchange(context.Context, string, url.Values, string) (Identity, Token, error) {
	return Identity{}, Token{}, errNoSignIn
}
