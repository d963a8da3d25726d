package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
)

// Provider signs people in at an OpenID Connect provider. It is an [upstream.Provider],
// [upstream.Identifier], [upstream.Renewer] and [upstream.Revoker].
//
// A sign-in costs one call, and a second to user-info if the ID token leaves out what
// somebody looks at. Beside that the provider's description and keys are fetched, at first
// use and then now and again.
type Provider struct {
	*issuer.Issuer
	allow upstream.Allow
	keys  *keyfile.File[keySet]
}

// New returns the provider. It does no I/O. The error names every setting that is wrong.
func New(c issuer.Config) (*Provider, error) {
	i, err := issuer.New(c)
	if err != nil {
		return nil, err
	}
	return &Provider{Issuer: i, allow: c.Allow, keys: issuer.Keys(i, parseKeys)}, nil
}

// Open is [New] for package parts.
func Open(c issuer.Config) (upstream.Provider, error) {
	p, err := New(c)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Exchange redeems the callback's code and reads who it stands for.
//
// A code works once. If the provider fails after it was taken, a second try with the same
// callback gives [upstream.ErrUsed]; the way on is a new AuthCodeURL.
func (p *Provider) Exchange(
	ctx context.Context, callback string, query url.Values, verifier string,
) (upstream.Identity, upstream.Token, error) {
	fail := func(err error) (upstream.Identity, upstream.Token, error) {
		return upstream.Identity{}, upstream.Token{}, err
	}
	if err := p.fromUs(ctx, query); err != nil {
		return fail(err)
	}
	if err := upstream.CallbackError(query); err != nil {
		return fail(err)
	}
	code, err := upstream.CallbackField(query, "code")
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*upstream.Timeout)
	defer cancel()
	answer, err := p.Ask(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
	if err != nil {
		return fail(redeemError(err))
	}
	token, err := p.accept(answer)
	if err != nil {
		return fail(err)
	}
	if token.IDToken == "" {
		return fail(errors.New("redeem the code: there is no ID token: the provider may not know the scope openid"))
	}
	token.SignIn = credential.New("").Reveal()
	id, err := p.who(ctx, token, "", issuer.Nonce(verifier))
	if errors.Is(err, errNonce) {
		err = upstream.Refused(oauth.InvalidRequest,
			"what came back belongs to another sign-in: start again from your application")
	}
	if errors.Is(err, upstream.ErrTokenDead) {
		err = errors.New("read user-info: the provider does not accept the token it has just given")
	}
	if err != nil {
		return upstream.Identity{}, token, err
	}
	return id, token, nil
}

// fromUs refuses an answer that names another issuer, and one that names none where the
// provider says that it always does (RFC 9207 §2.4), errors included.
func (p *Provider) fromUs(ctx context.Context, query url.Values) error {
	iss, said := query["iss"]
	if said && (len(iss) != 1 || !p.Knows(iss[0])) {
		return upstream.Refused(oauth.InvalidRequest,
			"what came back is another identity provider's: start again from your application")
	}
	if said {
		return nil
	}
	d, err := p.Description(ctx)
	if err != nil {
		return err
	}
	if d.SaysIssuer {
		return upstream.Refused(oauth.InvalidRequest,
			"what came back does not say whose it is: start again from your application")
	}
	return nil
}

// redeemError sorts what the token endpoint answered to a code.
func redeemError(err error) error {
	if refusal, ok := errors.AsType[*issuer.Refusal](err); ok && refusal.Code == "invalid_grant" {
		return upstream.Used()
	}
	return fmt.Errorf("redeem the code: %w", err)
}

// accept checks a token answer as RFC 6749 §5.1 has it.
func (p *Provider) accept(a issuer.Answer) (upstream.Token, error) {
	switch {
	case !strings.EqualFold(a.TokenType, "bearer"): // RFC 6749 §7.1
		return upstream.Token{}, errors.New("the provider's token_type is not bearer")
	case !upstream.TokenText(a.AccessToken):
		return upstream.Token{}, errors.New("the provider's access_token is not a token")
	case a.RefreshToken != "" && !upstream.TokenText(a.RefreshToken):
		return upstream.Token{}, errors.New("the provider's refresh_token is not a token")
	}
	t := upstream.Token{
		AccessToken: credential.Wrap(a.AccessToken), Scopes: strings.Fields(a.Scope), ClientID: p.ClientID(),
		Issuer: p.URL(), IDToken: a.IDToken,
	}
	if a.RefreshToken != "" {
		t.RefreshToken = credential.Wrap(a.RefreshToken)
	}
	if s, err := a.ExpiresIn.Int64(); err == nil && s > 0 && s < 1<<31 {
		t.Expiry = p.Now().UTC().Add(time.Duration(s) * time.Second).Truncate(time.Second)
	}
	return t, nil
}

// who is the person of a token: what its ID token says, if there is one, and user-info where
// that leaves something out. subject is who it was before, empty at a sign-in.
func (p *Provider) who(ctx context.Context, t upstream.Token, subject, nonce string) (upstream.Identity, error) {
	d, err := p.Description(ctx)
	if err != nil {
		return upstream.Identity{}, err
	}
	c, err := p.said(ctx, t, subject, nonce)
	if err != nil {
		return upstream.Identity{}, err
	}
	if subject != "" && Subject(c.text("iss"), c.text("sub")) != subject {
		return upstream.Identity{},
			fmt.Errorf("read the ID token: %w: it is about another account", upstream.ErrOddAnswer)
	}
	switch asks := d.UserInfoURL != "" && !t.Expired(p.Now()); {
	case t.IDToken == "" && !asks:
		return upstream.Identity{}, upstream.ErrCannotAsk
	case asks && (t.IDToken == "" || !p.complete(c)):
		more, err := p.userInfo(ctx, d.UserInfoURL, t, c.text("sub"))
		if err != nil {
			return upstream.Identity{}, err
		}
		p.add(c, more)
	}
	return p.identity(c), nil
}

// said is what the ID token of a token says. Without one it is who the person was.
func (p *Provider) said(ctx context.Context, t upstream.Token, subject, nonce string) (claims, error) {
	if t.IDToken != "" {
		return p.verify(ctx, t.IDToken, t.AccessToken.Reveal(), nonce)
	}
	iss, sub, ok := split(subject)
	if !ok {
		return nil, fmt.Errorf("who the person was: %w", upstream.ErrTokenDead)
	}
	return claims{"iss": iss, "sub": sub}, nil
}

// split is the issuer and the sub of a subject.
func split(subject string) (iss, sub string, ok bool) {
	own, ours := strings.CutPrefix(subject, upstream.OIDCName+":")
	iss, escaped, whole := strings.Cut(own, "#")
	sub, err := url.PathUnescape(escaped)
	if !strings.HasPrefix(iss, "http://") {
		iss = "https://" + iss
	}
	return iss, sub, ours && whole && err == nil
}

// Due reports whether a token can be exchanged: what comes of it says who the person is by now,
// and that the account is open.
func (p *Provider) Due(t upstream.Token, _ time.Time) bool {
	return !t.RefreshToken.IsZero() && p.Gave(t)
}

// Renews reports whether a server behind is handed the tokens. Tools have no use for them.
func (p *Provider) Renews() bool { return p.TokensUsed() }

// Renew exchanges a refresh token (RFC 6749 §6, OpenID Connect Core §12). One that does not
// rotate stays.
func (p *Provider) Renew(ctx context.Context, t upstream.Token) (upstream.Token, error) {
	answer, err := p.Ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.RefreshToken.Reveal()}})
	if refusal, ok := errors.AsType[*issuer.Refusal](err); ok && refusal.Code == "invalid_grant" {
		return upstream.Token{}, fmt.Errorf("renew the provider's token: %w", upstream.ErrEnded)
	}
	if err != nil {
		return upstream.Token{}, fmt.Errorf("renew the provider's token: %w", err)
	}
	next, err := p.accept(answer)
	if err != nil {
		return upstream.Token{}, fmt.Errorf("renew the provider's token: %w", err)
	}
	next.SignIn = t.SignIn
	if next.RefreshToken.IsZero() {
		next.RefreshToken = t.RefreshToken
	}
	return next, nil
}

// Today reads the account that a token belongs to: from the ID token that came with it if it
// was just renewed, else from user-info. Without either the error is [upstream.ErrCannotAsk].
func (p *Provider) Today(
	ctx context.Context, t upstream.Token, known upstream.Identity,
) (upstream.Identity, error) {
	if t.IsZero() || !p.Gave(t) {
		return upstream.Identity{}, fmt.Errorf("read the account: %w", upstream.ErrTokenDead)
	}
	return p.who(ctx, t, known.Subject, "")
}
