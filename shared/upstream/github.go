package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
)

const (
	githubName = "github"

	// GitHubURL is where the pages of the public GitHub are. For an Enterprise Server
	// it is https://HOST.
	GitHubURL = "https://github.com"
	// GitHubAPIURL is where its REST API is; https://HOST/api/v3 there.
	GitHubAPIURL = "https://api.github.com"

	scopeReadOrg = "read:org"
	scopeEmail   = "user:email"
)

// GitHubConfig is what [NewGitHub] needs. The hosts come from settings alone, never
// from a request (UP-12).
type GitHubConfig struct {
	// ClientID of the OAuth app or GitHub App. Required.
	ClientID string
	// ClientSecret returns the app's secret. It is called once per use, so that
	// a rotated secret needs no restart. Required.
	ClientSecret func(context.Context) (credential.Secret, error)
	// URL and APIURL are origins with an optional path and no trailing slash;
	// empty means the public GitHub. Plain http is accepted on loopback only.
	URL, APIURL string
	// Scopes to ask for: [Allow.RequiredScopes]. With user:email among them the verified
	// primary address is read at sign-in.
	Scopes []string
	// Reach is what tools need beyond that. A token without it is not used for them.
	Reach []string
	// Transport carries all calls; nil means one of our own, without proxy.
	Transport http.RoundTripper
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// GitHub signs people in at GitHub, by an OAuth app or a GitHub App. It is a [Provider],
// [Identifier], [Renewer], [Membership], [Revoker], [Profiler], [EmailVerifier], [API] and
// [Reacher].
//
// A sign-in costs two calls (token, user), a third if e-mail rules are configured.
// Checking an organisation costs one call per rule, a team two. Nothing is cached.
type GitHub struct {
	clientID string
	secret   func(context.Context) (credential.Secret, error)
	api      string
	endpoint oauth2.Endpoint
	scopes   []string // all that are asked for
	reach    []string // those of tools
	client   *http.Client
	now      func() time.Time
}

// NewGitHub returns the provider. It does no I/O. The error names every setting that is wrong.
func NewGitHub(c GitHubConfig) (*GitHub, error) {
	web, webErr := baseURL("GITHUB_URL", c.URL, GitHubURL)
	api, apiErr := baseURL("GITHUB_API_URL", c.APIURL, GitHubAPIURL)
	var idErr, secretErr error
	if c.ClientID == "" {
		idErr = errors.New("GITHUB_CLIENT_ID is not set: want the client id of a GitHub OAuth app")
	}
	if c.ClientSecret == nil {
		secretErr = errors.New("GITHUB_CLIENT_SECRET_FILE is not set: want the file with the app's client secret")
	}
	if err := errors.Join(idErr, secretErr, webErr, apiErr); err != nil {
		return nil, err
	}
	now := defaults.Now(c.Now)
	return &GitHub{
		clientID: c.ClientID,
		secret:   c.ClientSecret,
		api:      api,
		endpoint: oauth2.Endpoint{
			AuthURL:  web + "/login/oauth/authorize",
			TokenURL: web + "/login/oauth/access_token",
			// Said, not probed: a probe would send a one-time code twice.
			AuthStyle: oauth2.AuthStyleInParams,
		},
		scopes: sortedScopes(slices.Concat(c.Scopes, c.Reach)),
		reach:  sortedScopes(c.Reach),
		client: NewClient(c.Transport),
		now:    now,
	}, nil
}

func baseURL(setting, value, fallback string) (string, error) {
	if value == "" {
		return fallback, nil
	}
	if _, err := origin.ParseBase(value); err != nil {
		return "", fmt.Errorf("%s %w: want an https URL without query or trailing slash, like %s",
			setting, err, fallback)
	}
	return value, nil
}

func sortedScopes(scopes []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(scopes)))
}

// Name returns "github".
func (g *GitHub) Name() string { return githubName }

// Title returns "GitHub".
func (g *GitHub) Title() string { return "GitHub" }

// Answers implements [Provider].
func (g *GitHub) Answers(r Rule) error {
	switch r.Kind {
	case User:
		if !loginForm.fits(r.Value) {
			return errors.New("no login of GitHub looks like that: want one like user:octocat")
		}
	case UserID:
		if !normalID(r.Value) {
			return errors.New("GitHub's ids are numbers: want one like user-id:583231")
		}
	case Email, EmailDomain:
		if !g.VerifiesEmail() {
			return fmt.Errorf("GitHub gives no verified e-mail address without the scope %s", scopeEmail)
		}
	case Group, Claim:
		return errors.New("GitHub has organisations and teams: write org:acme or team:acme/ops")
	}
	return nil
}

// VerifiesEmail reports whether the address is read: user:email is among the scopes.
func (g *GitHub) VerifiesEmail() bool { return slices.Contains(g.scopes, scopeEmail) }

// oauth2 returns the library's config; the secret stays out where it is not needed.
func (g *GitHub) oauth2(callback string, secret credential.Secret) *oauth2.Config {
	return &oauth2.Config{
		ClientID: g.clientID, ClientSecret: secret.Reveal(), Endpoint: g.endpoint,
		RedirectURL: callback, Scopes: g.scopes,
	}
}

// AuthCodeURL returns GitHub's authorize URL with an S256 challenge, which GitHub
// has checked since July 2025 (K7). GitHub has one prompt, select_account, and calls the
// login hint "login".
func (g *GitHub) AuthCodeURL(_ context.Context, callback, state, verifier string, hints Hints) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	if hints.asks(PromptSelectAccount) {
		options = append(options, oauth2.SetAuthURLParam("prompt", PromptSelectAccount))
	}
	if hints.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login", hints.LoginHint))
	}
	return g.oauth2(callback, credential.Secret{}).AuthCodeURL(state, options...), nil
}

// Exchange redeems the callback's code and reads who it stands for, within 5 s.
//
// A code works once. If GitHub fails after it was taken, a second try with the same
// callback gives [ErrUsed]; the way on is a new [GitHub.AuthCodeURL], which GitHub
// answers without asking the person again.
func (g *GitHub) Exchange(
	ctx context.Context, callback string, query url.Values, verifier string,
) (Identity, Token, error) {
	if err := CallbackError(query); err != nil {
		return Identity{}, Token{}, err
	}
	code, err := CallbackField(query, "code")
	if err != nil {
		return Identity{}, Token{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	token, err := g.redeem(ctx, callback, code, verifier)
	if err != nil {
		return Identity{}, token, err
	}
	if !token.RefreshToken.IsZero() {
		token.SignIn = credential.New("").Reveal()
	}
	id, err := g.identity(ctx, token)
	if errors.Is(err, ErrTokenDead) {
		// A token GitHub has just given and does not know yet is GitHub's
		// trouble, not a verdict on the person.
		err = errors.New("read user: GitHub does not accept the token it has just given")
	}
	if err != nil {
		return Identity{}, token, err
	}
	return id, token, nil
}

// redeem trades the code for a token (RFC 6749 §4.1.3).
func (g *GitHub) redeem(ctx context.Context, callback, code, verifier string) (Token, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return Token{}, fmt.Errorf("read the GitHub client secret: %w", err)
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, g.client)
	got, err := g.oauth2(callback, secret).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Token{}, redeemError(err)
	}
	return g.accept(got)
}

// redeemError sorts what the token endpoint answered. GitHub sends errors with
// status 200 (UP-05, K6), which the library tells by the error member.
// The library's own text is dropped: it quotes the body, which may hold a token.
func redeemError(err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("redeem the code at GitHub: %w", transportError(err))
	}
	if status := answer.Response.StatusCode; status >= 500 || status == http.StatusTooManyRequests {
		return fmt.Errorf("redeem the code at GitHub: status %d", status)
	}
	switch answer.ErrorCode {
	case "bad_verification_code":
		return used()
	case "unverified_user_email":
		return refused(oauth.AccessDenied, "GitHub wants this account to verify its e-mail address first")
	case "incorrect_client_credentials":
		return errors.New("redeem the code at GitHub: GITHUB_CLIENT_ID and the client secret do not belong together")
	case "redirect_uri_mismatch":
		return errors.New("redeem the code at GitHub: " +
			"the OAuth app has another callback URL than ISSUER_URL/auth/callback")
	}
	return fmt.Errorf("redeem the code at GitHub: unknown refusal with status %d", answer.Response.StatusCode)
}

// transportError keeps the reason of a failed call. Errors in reading an answer
// could quote it, so they are replaced by a sentence.
func transportError(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	if strings.Contains(err.Error(), ErrTooLong.Error()) { // the library does not wrap
		return ErrTooLong
	}
	return errors.New("the answer is not a token")
}

// accept checks a token answer as RFC 6749 §5.1 has it, which the library does not. A token
// that works, but for less than is needed, is returned with the error.
func (g *GitHub) accept(got *oauth2.Token) (Token, error) {
	// The type is compared without regard to case (RFC 6749 §7.1).
	if lowerASCII(got.TokenType) != "bearer" {
		return Token{}, errors.New("redeem the code at GitHub: token_type is not bearer")
	}
	if !TokenText(got.AccessToken) {
		return Token{}, errors.New("redeem the code at GitHub: access_token is not a token")
	}
	scope, said := got.Extra("scope").(string)
	t := Token{
		AccessToken: credential.Wrap(got.AccessToken),
		Scopes:      splitScopes(scope),
		ClientID:    g.clientID,
	}
	switch {
	case got.ExpiresIn > 0:
		t.Expiry = g.now().UTC().Add(time.Duration(got.ExpiresIn) * time.Second).Truncate(time.Second)
	case !got.Expiry.IsZero():
		t.Expiry = got.Expiry.UTC().Truncate(time.Second)
	}
	if TokenText(got.RefreshToken) {
		t.RefreshToken = credential.Wrap(got.RefreshToken)
	}
	for _, want := range g.scopes {
		switch {
		case t.allows(want):
		case !said:
			return t, odd("redeem the code at GitHub", "it does not say which scopes were granted")
		default:
			return t, refused(oauth.AccessDenied,
				"GitHub did not grant a permission that this server needs")
		}
	}
	return t, nil
}

// splitScopes reads GitHub's scope member, which separates with commas and,
// depending on the answer, blanks.
func splitScopes(s string) []string {
	return sortedScopes(strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }))
}

// TokenText reports whether s can stand in an Authorization header (RFC 6750 §2.1)
// and has a sane length.
func TokenText(s string) bool {
	return s != "" && len(s) <= 16<<10 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
