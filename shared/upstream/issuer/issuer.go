package issuer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/dial"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/upstream"
)

// Config is what [New] needs. Hosts come from settings and from what the provider publishes,
// never from a request (UP-12).
type Config struct {
	Preset Preset
	// Issuer is OIDC_ISSUER; empty means the preset's.
	Issuer string
	// ClientID is our id at the provider. Required.
	ClientID string
	// Secret returns our secret there, Key what signs in its place. Each is called once per
	// use, so that a new one needs no restart. One of them is required.
	Secret func(context.Context) (credential.Secret, error)
	Key    func(context.Context) (Key, error)
	// AuthMethod is how we prove who we are at the token endpoint; empty chooses what the
	// provider offers.
	AuthMethod string
	// Title is what people call the provider; empty means the preset's.
	Title string
	// GroupClaim lists groups; empty means the preset's.
	GroupClaim string
	// Scopes are asked for beside those that the rules need.
	Scopes []string
	// Tenants are let in, where the issuer stands for many.
	Tenants []string
	// PrivateNetwork says that the provider may be in an organisation's own network.
	PrivateNetwork bool
	// Allow says who may enter, and so what has to be asked.
	Allow upstream.Allow
	// TokensUsed says that people's tokens are used for more than asking, so that they have
	// to be renewed whatever Allow says.
	TokensUsed bool
	// Transport carries all calls; nil means one of our own, which dials public addresses
	// alone unless PrivateNetwork or the issuer says otherwise.
	Transport http.RoundTripper

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

// An Issuer is an OpenID Connect provider. It is safe for concurrent use. It is an
// [upstream.Revoker], and as an [upstream.Provider] signs nobody in.
type Issuer struct {
	upstream.NoSignIn
	Preset

	issuer   string
	template string // where the issuer stands for many
	tenants  []string
	clientID string
	secret   func(context.Context) (credential.Secret, error)
	key      func(context.Context) (Key, error)
	method   string
	scopes   []string
	asks     bool // somebody will be asked about again
	used     bool // people's tokens are used for more than that
	local    bool // the provider is on this machine

	described *keyfile.File[Description]
	client    *http.Client
	log       *slog.Logger
	now       func() time.Time
}

// Parse reads an issuer as it stands in a provider's documents: https without user
// information, query or fragment. A slash at its end belongs to it. Plain http is accepted on
// loopback.
func Parse(s string) (string, error) {
	if strings.HasSuffix(s, "//") {
		return "", errors.New("ends in two slashes")
	}
	if _, err := origin.ParseBase(strings.TrimSuffix(s, "/")); err != nil {
		return "", err
	}
	return s, nil
}

// AuthMethods are the values of [Config].AuthMethod (OpenID Connect Core §9).
func AuthMethods() []string { return []string{methodBasic, methodPost, methodAssertion} }

// New returns the provider. It does no I/O. The error names every setting that is wrong.
func New(c Config) (*Issuer, error) {
	i := &Issuer{
		Preset: c.Preset, issuer: c.Issuer, tenants: c.Tenants, clientID: c.ClientID, secret: c.Secret, key: c.Key,
		method: c.AuthMethod, log: defaults.Log(c.Log), now: defaults.Now(c.Now),
		asks: !c.Allow.HasKind(upstream.Anyone), used: c.TokensUsed,
	}
	if i.issuer == "" {
		i.issuer = c.Preset.Issuer
	}
	if c.GroupClaim != "" {
		i.GroupClaim, i.GroupScope = c.GroupClaim, ""
	}
	if err := i.check(c); err != nil {
		return nil, err
	}
	u, _ := url.Parse(i.issuer)
	i.local = origin.Loopback(u.Hostname())
	i.Preset.Title = firstOf(c.Title, c.Preset.Title, u.Host)
	i.scopes = i.scopesFor(c)
	transport := c.Transport
	if transport == nil {
		transport = upstream.NewTransport(&net.Dialer{Timeout: upstream.Timeout, Control: dial.Guard(i.reach(c))})
	}
	i.client = upstream.NewClient(transport)
	i.described = ring(i, "oidc-discovery", discoveryAge, func() ([]byte, error) {
		return i.fetch(strings.TrimSuffix(i.issuer, "/") + wellKnown)
	}, i.parseDescription)
	return i, nil
}

// Open is [New] for package parts.
func Open(c Config) (upstream.Provider, error) {
	i, err := New(c)
	if err != nil {
		return nil, err
	}
	return i, nil
}

func (i *Issuer) check(c Config) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if i.issuer == "" {
		add("OIDC_ISSUER is not set: want the issuer as the provider writes it, like %s", c.Preset.Example)
	} else if _, err := Parse(i.issuer); err != nil {
		add("OIDC_ISSUER %w: want the issuer as the provider writes it, like %s", err, c.Preset.Example)
	}
	if c.ClientID == "" {
		add("OIDC_CLIENT_ID is not set: want our client id at the provider")
	}
	if c.Secret == nil && c.Key == nil {
		add("OIDC_CLIENT_SECRET_FILE is not set: want the file with our client secret at the provider, " +
			"or OIDC_CLIENT_KEY_FILE")
	}
	if i.method == methodAssertion && c.Key == nil {
		add("OIDC_CLIENT_AUTH is private_key_jwt: want OIDC_CLIENT_KEY_FILE as well")
	}
	if (i.method == methodBasic || i.method == methodPost) && c.Secret == nil {
		add("OIDC_CLIENT_AUTH is %s: want OIDC_CLIENT_SECRET_FILE as well", i.method)
	}
	var many bool
	i.template, many = templated(c.Preset, i.issuer)
	if many && len(c.Tenants) == 0 {
		add("OIDC_TENANTS is not set, and OIDC_ISSUER stands for every tenant: want the ids of those whose people " +
			"may be asked about, or the word any")
	}
	if !many && len(c.Tenants) > 0 {
		add("OIDC_TENANTS is set, and OIDC_ISSUER stands for one tenant: leave it out")
	}
	return errors.Join(problems...)
}

// reach is what may be dialled.
func (i *Issuer) reach(c Config) dial.Allowed {
	switch {
	case i.local:
		return dial.Loopback
	case c.PrivateNetwork:
		return dial.Private
	}
	return dial.Public
}

// scopesFor are the scopes that the rules need, the smallest that answer them, and those that
// the operator wants (UP-11).
func (i *Issuer) scopesFor(c Config) []string {
	scopes := append([]string{"openid", "profile"}, i.Preset.Scopes...)
	if c.Allow.HasKind(upstream.Email, upstream.EmailDomain) {
		scopes = append(scopes, "email")
	}
	if i.GroupScope != "" && c.Allow.HasKind(upstream.Group) {
		scopes = append(scopes, i.GroupScope)
	}
	var once []string
	for _, s := range append(scopes, c.Scopes...) {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// URL returns the issuer.
func (i *Issuer) URL() string { return i.issuer }

// ClientID returns our id at the provider.
func (i *Issuer) ClientID() string { return i.clientID }

// Title returns what people call the provider.
func (i *Issuer) Title() string { return i.Preset.Title }

// LastWord implements [upstream.LastWord]. Whether the provider gives a refresh token shows at
// the sign-in.
func (i *Issuer) LastWord() bool { return i.asks }

// TokensUsed reports whether people's tokens are used for more than asking about them.
func (i *Issuer) TokensUsed() bool { return i.used }

// Name returns "oidc".
func (i *Issuer) Name() string { return i.NoSignIn.Name() }

// Now tells the time.
func (i *Issuer) Now() time.Time { return i.now() }

// Client returns the HTTP client of all calls to the provider.
func (i *Issuer) Client() *http.Client { return i.client }

// Answers implements [upstream.Provider].
func (i *Issuer) Answers(r upstream.Rule) error {
	switch r.Kind {
	case upstream.Org, upstream.Team:
		return fmt.Errorf("organisations and teams are GitHub's: write group:acme, which %s may list", i.Title())
	case upstream.User:
		if i.UserClaim == "" {
			return fmt.Errorf("%s has no login that is one person's alone for good: "+
				"write user-id: with the sub, or email:a@example.com", i.Title())
		}
	case upstream.Group:
		if i.GroupClaim == "" {
			return fmt.Errorf("%s lists no groups: write %s", i.Title(), i.NoGroups)
		}
	}
	return nil
}

// AuthCodeURL returns where the browser goes to sign in (OpenID Connect Core §3.1.2.1).
func (i *Issuer) AuthCodeURL(
	ctx context.Context, callback, state, verifier string, hints upstream.Hints,
) (string, error) {
	d, err := i.Description(ctx)
	if err != nil {
		return "", fmt.Errorf("find the provider's sign-in page: %w", err)
	}
	scopes, prompts := slices.Clone(i.scopes), d.prompts(hints.Prompt)
	params := map[string]string{"nonce": Nonce(verifier)}
	if i.asks || i.used {
		scoped := i.OfflineScope != "" && d.offers(i.OfflineScope)
		if scoped && !slices.Contains(scopes, i.OfflineScope) {
			scopes = append(scopes, i.OfflineScope)
		}
		if i.OfflinePrompt != "" && (scoped || len(i.OfflineParams) > 0) && !slices.Contains(prompts, i.OfflinePrompt) {
			prompts = append(prompts, i.OfflinePrompt)
		}
		maps.Copy(params, i.OfflineParams)
	}
	params["prompt"], params["login_hint"] = strings.Join(prompts, " "), hints.LoginHint
	if i.DomainHint != "" {
		params[i.DomainHint] = hints.DomainHint
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name, value := range params {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	c := oauth2.Config{
		ClientID: i.clientID, RedirectURL: callback, Scopes: scopes, Endpoint: oauth2.Endpoint{AuthURL: d.AuthURL},
	}
	return c.AuthCodeURL(state, options...), nil
}

// Nonce is what binds an ID token to the sign-in whose verifier that is (OpenID Connect Core
// §15.5.2). It tells nothing of the verifier.
func Nonce(verifier string) string { return credential.Derive([]byte(verifier), "nonce") }

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
