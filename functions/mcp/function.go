package mcp

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
	"github.com/postern-dev/postern/shared/upstream"
)

func init() { functions.HTTP("mcp", boot.Handler("mcp", Build(firestoredriver.Openers))) }

// entryPoint is the function's name where an author's package is deployed.
const entryPoint = "tools"

// Handler returns the deployed function of an author's server, for functions.HTTP under
// the name "tools" in the init function of their package.
func Handler(describe func(Deps) Server) http.HandlerFunc {
	return boot.Handler(entryPoint, buildOf(firestoredriver.Openers, describe, false))
}

// Serve is the main of an author's own program: it checks the settings, makes every part,
// and serves the server on $HOST:$PORT, 127.0.0.1:8080 if they are not set, until the process
// ends. The store is opened by one of drivers. Without an IDENTITY_PROVIDER it goes with the
// postern dev that runs in the same directory.
func Serve(describe func(Deps) Server, drivers driver.Openers) {
	if os.Getenv("IDENTITY_PROVIDER") == "" {
		besideDev()
	}
	serve.Main(entryPoint, BuildServer(drivers, describe))
}

// besideDev sets what is not set to what postern dev has.
func besideDev() {
	for setting, value := range map[string]string{
		"IDENTITY_PROVIDER": "development", "ALLOW": "anyone", "STORE": "embedded:.postern",
		"FERNET_KEYS_FILE":       ".postern/keys/fernet-keys",
		"VERIFICATION_KEYS_FILE": ".postern/keys/verification-keys.json",
		"IDENTITY_KEYS_FILE":     ".postern/keys/identity-keys.json",
	} {
		if os.Getenv(setting) == "" {
			_ = os.Setenv(setting, value) // the names are good
		}
	}
}

// Build reads the environment and opens what the endpoint needs, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.Build { return buildOf(drivers, nil, false) }

// BuildServer is [Build] for a server that a program describes; every part is made at start.
func BuildServer(drivers driver.Openers, describe func(Deps) Server) boot.Build {
	return buildOf(drivers, describe, true)
}

// buildOf is Build for a server; check makes its parts at start, as under development. Nil
// is the built-in one, in whose place there may be one behind.
func buildOf(drivers driver.Openers, describe func(Deps) Server, check bool) boot.Build {
	return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		box := parts.Box(env, r)
		c := Config{
			Edge:             env.Edge(r),
			Verifier:         &accesstoken.Verifier{Keys: parts.VerificationKeys(env, r)},
			Store:            parts.Store(ctx, env, r, drivers, box),
			Box:              box,
			RevocationMaxAge: r.Duration("REVOCATION_MAX_AGE"),
			Identity:         parts.Identity(env, r),
			ServerName:       config.Parse(r, "SERVER_NAME", about.ParseName),
			Describe:         describe,
			Log:              env.Log,
		}
		c.Endpoints = endpoints(env, r, c.Identity != nil, describe != nil)
		c.Scopes = &c.Endpoints[0].Resource.Scopes
		c.Provider, c.Allow = parts.Provider(env, r, parts.WithoutSecret, nil, upstream.Groups{})
		if handsOn(c.Endpoints) {
			c.Provider = parts.TokensAlone(r, c.Provider)
		}
		needTokens(r, c.Endpoints, c.Provider)
		if err := r.Err(); err != nil {
			return nil, err
		}
		c.Check = check || c.Provider.Name() == "development"
		return New(c)
	}
}

// endpoints returns /mcp and the servers behind this one. signs says that there are keys that
// tell them who calls, own that the program has parts of its own.
func endpoints(env *boot.Env, r *config.Reader, signs, own bool) []Endpoint {
	var all []Endpoint
	for _, resource := range behind.Resources(r).All() {
		all = append(all, Endpoint{Resource: resource})
	}
	first, u := behind.First(r), r.URL("MCP_UPSTREAM_URL")
	if r.Has("MCP_UPSTREAM_OPTIONS") && !r.Has("MCP_UPSTREAM_URL") {
		r.Refuse("MCP_UPSTREAM_OPTIONS", "is set without MCP_UPSTREAM_URL, whose server it is about")
	}
	if u != nil {
		all[0].Upstream = upstreamOf(env, r, u, first)
		if !signs && first.Identity == behind.JWT {
			r.Refuse("MCP_UPSTREAM_URL", "is set without IDENTITY_KEYS_FILE, whose keys tell that server who calls")
		}
		if own {
			r.Refuse("MCP_UPSTREAM_URL", "is set for a program with parts of its own: leave one of the two out")
		}
	}
	for i, server := range behind.Servers(r) {
		all[i+1].Upstream = upstreamOf(env, r, server.URL, server.Calling)
		if !signs && server.Identity == behind.JWT {
			r.Refuse("MCP_UPSTREAMS", "is set without IDENTITY_KEYS_FILE, whose keys tell those servers who calls")
		}
	}
	return all
}

func upstreamOf(env *boot.Env, r *config.Reader, u *url.URL, c behind.Calling) *Upstream {
	up := NewUpstream(proxy.New(u, 0), c)
	if c.Credential.Header != "" {
		up.Secret = parts.HeaderFile(env, r, c.Credential.File)
	}
	return up
}

// Behind returns the servers behind this one by the settings of env, for a program that looks
// whether they can be called. Its errors are those of the settings that are about them.
func Behind(env *boot.Env) (Looks, error) {
	r := env.Settings()
	l := Looks{Issuer: r.String("ISSUER_URL"), Identity: parts.Identity(env, r)}
	for _, e := range endpoints(env, r, l.Identity != nil, false) {
		if e.Upstream == nil {
			continue
		}
		l.Endpoints = append(l.Endpoints, e)
		if l.Issuer == "" && e.Upstream.Identity == behind.JWT {
			r.Refuse("ISSUER_URL", "is not set: servers behind are told who calls in its name")
		}
	}
	return l, r.Err()
}

// handsOn reports whether a server behind is handed people's tokens.
func handsOn(all []Endpoint) bool {
	return slices.ContainsFunc(all, func(e Endpoint) bool {
		return e.Upstream != nil && e.Upstream.ProviderToken != ""
	})
}

// needTokens refuses to send people's tokens of a provider that gives none.
func needTokens(r *config.Reader, all []Endpoint, provider upstream.Provider) {
	for _, e := range all {
		if _, gives := provider.(upstream.TokenIssuer); provider != nil && !gives && e.Upstream != nil &&
			e.Upstream.ProviderToken != "" {
			r.Refuse("IDENTITY_PROVIDER",
				"must be github or oidc for provider_token: a server behind gets people's tokens in %s",
				e.Upstream.ProviderToken)
		}
	}
}
