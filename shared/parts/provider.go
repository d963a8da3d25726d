package parts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
)

// A Secret says whether a function holds the client secret of the GitHub app.
type Secret bool

// Only the functions that talk to GitHub as the app itself hold its secret.
const (
	WithSecret    Secret = true
	WithoutSecret Secret = false
)

// OpenID makes an OpenID Connect provider of settings. Which one a function takes decides
// what it links: package oidc for those that ask who somebody is, package issuer for one that
// ends tokens. Nil is for a function that asks nothing there, and needs no settings for it.
type OpenID func(issuer.Config) (upstream.Provider, error)

// Provider returns the provider of IDENTITY_PROVIDER, which will be asked about groups too,
// and the rules of ALLOW.
func Provider(
	env *boot.Env, r *config.Reader, secret Secret, open OpenID, groups upstream.Groups,
) (upstream.Provider, upstream.Allow) {
	allow := config.Parse(r, "ALLOW", upstream.ParseAllow)
	asked := groups.Beside(allow)
	var p upstream.Provider
	switch name, preset, _ := strings.Cut(r.Enum("IDENTITY_PROVIDER"), ":"); name {
	case "development":
		p = development(r)
	case "github":
		p = github(env, r, secret, asked)
	case "oidc":
		p = openID(env, r, preset, open, asked)
	}
	if p != nil {
		if err := asked.Fits(p); err != nil {
			r.Refuse("ALLOW", "or a group of a server behind does not fit: %s", err)
		}
	}
	return p, allow
}

// Renewing is open for a provider whose tokens are renewed whatever the rules, if a server
// behind is handed them.
func Renewing(r *config.Reader, open OpenID) OpenID {
	used := len(behind.HandedOn(r)) > 0
	return func(c issuer.Config) (upstream.Provider, error) {
		c.TokensUsed = used
		return open(c)
	}
}

// TokensAlone returns the provider of IDENTITY_PROVIDER for a function that hands people's
// tokens on: p, or one that knows whose an OpenID Connect provider's are.
func TokensAlone(r *config.Reader, p upstream.Provider) upstream.Provider {
	name, preset, _ := strings.Cut(r.Enum("IDENTITY_PROVIDER"), ":")
	if name != upstream.OIDCName {
		return p
	}
	known, _ := issuer.PresetByName(preset)
	said := config.Parse(r, "OIDC_ISSUER", issuer.Parse)
	if said == "" && known.Issuer == "" {
		r.Refuse("OIDC_ISSUER", "is not set: a server behind is handed the tokens of that issuer")
	}
	return upstream.TokensAlone{Issuer: cmp.Or(said, known.Issuer), ClientID: r.String("OIDC_CLIENT_ID")}
}

// ProviderTitle returns what people call the provider of IDENTITY_PROVIDER, for a function that
// names it and asks nothing there.
func ProviderTitle(r *config.Reader) string {
	switch name, preset, _ := strings.Cut(r.Enum("IDENTITY_PROVIDER"), ":"); name {
	case "oidc":
		known, _ := issuer.PresetByName(preset)
		said, address := config.Parse(r, "OIDC_TITLE", title), config.Parse(r, "OIDC_ISSUER", issuer.Parse)
		_, host, _ := strings.Cut(address, "://")
		return cmp.Or(said, known.Title, strings.SplitN(host, "/", 2)[0])
	case "github":
		return (&upstream.GitHub{}).Title()
	}
	return (&upstream.Development{}).Title()
}

// The provider constructors return an interface that is nil after a problem, never one
// that holds a nil pointer.
func development(r *config.Reader) upstream.Provider {
	d, err := upstream.NewDevelopment(r.String("ISSUER_URL"))
	if err != nil {
		r.Refuse("IDENTITY_PROVIDER", "is development: %s", err)
		return nil
	}
	return d
}

func github(env *boot.Env, r *config.Reader, secret Secret, allow upstream.Allow) upstream.Provider {
	c := upstream.GitHubConfig{
		ClientID:     r.String("GITHUB_CLIENT_ID"),
		ClientSecret: noSecret,
		Scopes:       allow.RequiredScopes(),
		Reach:        config.Parse(r, "GITHUB_SCOPES", upstream.ParseReach),
	}
	if secret == WithSecret {
		file := keyfile.New(r.File("GITHUB_CLIENT_SECRET_FILE"), parseSecret, options("github-client-secret", env, r))
		c.ClientSecret = file.Get
	}
	if u := r.URL("GITHUB_URL"); u != nil {
		c.URL = u.String()
	}
	if u := r.URL("GITHUB_API_URL"); u != nil {
		c.APIURL = u.String()
	}
	if c.ClientID == "" {
		return nil // the reader has noted it
	}
	g, err := upstream.NewGitHub(c)
	if err != nil {
		r.Refuse("IDENTITY_PROVIDER", "is github: %s", err)
		return nil
	}
	return g
}

func openID(
	env *boot.Env, r *config.Reader, preset string, open OpenID, allow upstream.Allow,
) upstream.Provider {
	if open == nil {
		return upstream.NoSignIn{}
	}
	c := issuer.Config{
		Issuer:         config.Parse(r, "OIDC_ISSUER", issuer.Parse),
		ClientID:       r.String("OIDC_CLIENT_ID"),
		AuthMethod:     r.Enum("OIDC_CLIENT_AUTH"),
		Title:          config.Parse(r, "OIDC_TITLE", title),
		GroupClaim:     config.Parse(r, "OIDC_GROUPS_CLAIM", oneWord),
		Scopes:         strings.Fields(config.Parse(r, "OIDC_SCOPES", visible)),
		Tenants:        config.Parse(r, "OIDC_TENANTS", issuer.ParseTenants),
		PrivateNetwork: r.Bool("OIDC_PRIVATE_NETWORK"),
		Allow:          allow,
		Log:            env.Log,
	}
	c.Preset, _ = issuer.PresetByName(preset)
	if file := r.File("OIDC_CLIENT_SECRET_FILE"); file != "" {
		c.Secret = keyfile.New(file, parseSecret, options("oidc-client-secret", env, r)).Get
	}
	if file := r.File("OIDC_CLIENT_KEY_FILE"); file != "" {
		c.Key = keyfile.New(file, issuer.ParseKey, options("oidc-client-key", env, r)).Get
	}
	if c.ClientID == "" || c.Issuer == "" && r.Has("OIDC_ISSUER") || c.Tenants == nil && r.Has("OIDC_TENANTS") {
		return nil // the reader has noted it
	}
	p, err := open(c)
	if err != nil {
		problems := strings.ReplaceAll(err.Error(), "\n", "; ")
		r.Refuse("IDENTITY_PROVIDER", "is %s: %s", r.Enum("IDENTITY_PROVIDER"), problems)
		return nil
	}
	return p
}

func title(s string) (string, error) {
	if upstream.Displayable(s, 60) != s {
		return "", errors.New("it is too long, or cannot be shown as it is")
	}
	return s, nil
}

func oneWord(s string) (string, error) {
	if !utf8.ValidString(s) || len(strings.Fields(s)) != 1 {
		return "", errors.New("it is not one word")
	}
	return strings.TrimSpace(s), nil
}

// visible reads scopes (RFC 6749 §3.3).
func visible(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return "", errors.New("a scope has no such character")
	}
	return s, nil
}

func noSecret(context.Context) (credential.Secret, error) {
	return credential.Secret{}, errors.New("this function does not hold the GitHub client secret")
}

func parseSecret(data []byte) (credential.Secret, error) {
	s := bytes.TrimSpace(data)
	if len(s) == 0 || bytes.ContainsAny(s, " \t\r\n") {
		return credential.Secret{}, errors.New("want the client secret alone, in one line")
	}
	return credential.Wrap(string(s)), nil
}
