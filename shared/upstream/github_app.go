package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// A GitHub App may stand where an OAuth app does. Its tokens for people have no scopes: what
// they may do is set on the App. They end after eight hours, unless the App says otherwise,
// and come with a refresh token that is good once, for six months.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens

// appToken is how GitHub begins the tokens that it gives to Apps for people.
const appToken = "ghu_"

// ofApp reports whether a token was given to a GitHub App, so that no scope is missing.
func (t Token) ofApp() bool { return strings.HasPrefix(t.AccessToken.Reveal(), appToken) }

// Due reports whether a token ends before until and can be exchanged.
func (g *GitHub) Due(t Token, until time.Time) bool {
	return !t.RefreshToken.IsZero() && t.ClientID == g.clientID && t.Expired(until)
}

// Renews reports whether GITHUB_CLIENT_ID is that of a GitHub App, which GitHub begins with
// Iv. Tools use the tokens, so they are exchanged even where nobody is asked about.
func (g *GitHub) Renews() bool { return strings.HasPrefix(g.clientID, "Iv") }

// Renew exchanges a refresh token; access and refresh token of before are over with it.
func (g *GitHub) Renew(ctx context.Context, t Token) (Token, error) {
	const what = "renew the GitHub token"
	secret, err := g.secret(ctx)
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w: read the GitHub client secret: %w", what, ErrNotAsked, err)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, g.client), Timeout)
	defer cancel()
	old := &oauth2.Token{RefreshToken: t.RefreshToken.Reveal()}
	got, err := g.oauth2("", secret).TokenSource(ctx, old).Token()
	answer, _ := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case err == nil:
	case answer != nil && answer.ErrorCode == "bad_refresh_token":
		return Token{}, fmt.Errorf("%s: %w", what, ErrEnded)
	case answer != nil && answer.ErrorCode == "incorrect_client_credentials":
		return Token{}, fmt.Errorf("%s: %w: %w", what, ErrNotAsked, redeemError(err))
	default:
		return Token{}, fmt.Errorf("%s: %w", what, redeemError(err))
	}
	next, err := g.accept(got)
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w", what, err)
	}
	next.SignIn = t.SignIn
	return next, nil
}
