// Package manifest is the list of functions: a row says what a function is called, what
// starts it, which settings it reads and what it must never link. To add a function is to
// add its folder under functions/, a row here, and its terraform; the tests of this package
// name each place that does not follow.
//
// cmd/package, postern dev and emulate, the path map's reader, the page of settings, the
// arrows test and the checks of terraform read it. No deployed function does.
package manifest

import (
	"slices"
	"strings"
)

// A Trigger is what starts a function, in the words of FUNCTION_SIGNATURE_TYPE.
type Trigger string

// The triggers.
const (
	HTTP  Trigger = "http"       // the gateway's routes
	Event Trigger = "cloudevent" // changes of documents
)

// A Function is one row.
type Function struct {
	// Name names the function everywhere: its folder in functions/, the last element of its
	// module's path, its entry point, its zip, and after "postern-" its service.
	Name string
	// Trigger is what starts it.
	Trigger Trigger
	// Settings are the names of the settings that it reads; shared/config says what they are.
	Settings []string
	// NeverLinks are the beginnings of import paths that its program must not contain.
	NeverLinks []string
}

// Functions is every function there is.
var Functions = []Function{
	{
		Name: "register", Trigger: HTTP,
		Settings:   slices.Concat(every, observed, storing, []string{"REDIRECT_SCHEMES"}, resources),
		NeverLinks: slices.Concat(deployed, signingIn),
	},
	{
		Name: "authorize", Trigger: HTTP,
		Settings: slices.Concat(entry, openid, []string{
			"GITHUB_CLIENT_SECRET_FILE", "CODE_TTL", "SIGN_IN_TTL", "CIMD_ALLOW", "REDIRECT_SCHEMES",
			"OFFLINE_ACCESS", "OPERATOR_CONTACT", "EVIDENCE_MAX_AGE", "MCP_UPSTREAM_OPTIONS",
		}, resources, look),
		NeverLinks: deployed,
	},
	{
		Name: "token", Trigger: HTTP,
		Settings: slices.Concat(entry, openid, []string{
			"GITHUB_CLIENT_SECRET_FILE", "SIGNING_KEYS_FILE", "MEMBERSHIP_TTL", "EVIDENCE_MAX_AGE",
			"MCP_UPSTREAM_OPTIONS",
		}, resources),
		NeverLinks: deployed,
	},
	{
		Name: "wellknown", Trigger: HTTP,
		Settings: slices.Concat(every, []string{
			"VERIFICATION_KEYS_FILE", "CIMD_ALLOW", "OPENAI_APPS_CHALLENGE", "SERVER_NAME", "PRIVACY_URL", "TERMS_URL",
		}, resources),
		NeverLinks: slices.Concat(deployed, signingIn, remembering, writing, []string{"html/template"}),
	},
	{
		Name: "mcp", Trigger: HTTP,
		Settings: slices.Concat(entry, []string{
			"VERIFICATION_KEYS_FILE", "IDENTITY_KEYS_FILE", "IDENTITY_TOKEN_TTL", "REVOCATION_MAX_AGE",
			"MCP_UPSTREAM_URL", "MCP_UPSTREAM_OPTIONS", "SERVER_NAME", "OIDC_ISSUER", "OIDC_CLIENT_ID",
		}, resources),
		NeverLinks: slices.Concat(deployed, signingIn, writing),
	},
	{
		Name: "connections", Trigger: HTTP,
		Settings: slices.Concat(every, observed, storing, []string{
			"IDENTITY_PROVIDER", "OIDC_ISSUER", "OIDC_TITLE", "REVOCATION_MAX_AGE",
		}, resources, look),
		NeverLinks: slices.Concat(deployed, signingIn, []string{"github.com/modelcontextprotocol"}),
	},
	{
		Name: "cascade", Trigger: Event,
		Settings:   slices.Concat(entry, openid, []string{"GITHUB_CLIENT_SECRET_FILE"}),
		NeverLinks: slices.Concat(deployed, signingIn),
	},
}

// Settings that go together.
var (
	every = []string{
		"ISSUER_URL", "KEYS_MAX_AGE", "TRUST_FORWARDED_AUTHORIZATION", "FORWARDED_FOR_HOPS", "LOAD_BALANCER_PROOF",
		"LOAD_BALANCER_ONLY", "LOG_LEVEL", "GOOGLE_CLOUD_PROJECT",
	}
	// Where traces and metrics go, of all but wellknown.
	observed = []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
		"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_SAMPLER",
		"OTEL_TRACES_SAMPLER_ARG", "OTEL_SERVICE_NAME", "OTEL_SDK_DISABLED",
	}
	// Who writes a record says when it ends, so the lifetimes go with the store.
	storing = []string{
		"STORE", "FERNET_KEYS_FILE", "ACCESS_TOKEN_TTL", "GRANT_TTL", "REFRESH_GRACE", "CLIENT_UNUSED_TTL",
	}
	// What tokens are for.
	resources = []string{"SCOPES", "MCP_UPSTREAMS"}
	people    = []string{
		"IDENTITY_PROVIDER", "GITHUB_CLIENT_ID", "GITHUB_URL", "GITHUB_API_URL", "GITHUB_SCOPES", "ALLOW",
	}
	// How pages look.
	look = []string{"SERVER_NAME", "LOGO", "ACCENT_COLOR", "SUPPORT_CONTACT", "PRIVACY_URL", "TERMS_URL"}
	// What a function needs that asks an OpenID Connect provider.
	openid = []string{
		"OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET_FILE", "OIDC_CLIENT_KEY_FILE", "OIDC_CLIENT_AUTH",
		"OIDC_TITLE", "OIDC_SCOPES", "OIDC_GROUPS_CLAIM", "OIDC_TENANTS", "OIDC_PRIVATE_NETWORK",
	}
	// What a function needs that asks who may enter.
	entry = slices.Concat(every, observed, storing, people)
)

const module = "github.com/postern-dev/postern/"

// What programs must not contain.
var (
	// The embedded store, a way to the keys' manager, and what is for programs and tests.
	deployed = []string{
		"modernc.org", "cloud.google.com/go/secretmanager", "github.com/spf13/cobra",
		module + "shared/store/embedded", module + "shared/eventarc", module + "shared/manifest", module + "test",
	}
	// Pages, which those do not have that speak to programs.
	writing = []string{"golang.org/x/text/language", module + "shared/pages"}
	// What looks at ID tokens: for the two that ask who somebody is.
	signingIn = []string{"github.com/coreos/go-oidc", module + "shared/upstream/oidc"}
	// What can be down, or slows a start: for the function that answers when all else is down.
	remembering = []string{
		"cloud.google.com/go/firestore", "google.golang.org/grpc", "golang.org/x/oauth2", "go.opentelemetry.io",
		module + "shared/store", module + "shared/upstream", module + "shared/seal", module + "shared/parts",
		module + "shared/otlp",
	}
)

// A Store is what the records of a deployed server are in.
type Store string

// The stores that functions are deployed over.
const (
	Firestore Store = "firestore"
	Postgres  Store = "postgres"
)

// Stores are all of them.
var Stores = []Store{Firestore, Postgres}

// drivers are what brings a store, and is not linked over another one.
var drivers = map[Store][]string{
	Firestore: {"cloud.google.com/go/firestore", module + "shared/store/firestoredriver"},
	Postgres: {
		"github.com/jackc", "cloud.google.com/go/cloudsqlconn", "cloud.google.com/go/sql",
		"google.golang.org/api", "github.com/googleapis/gax-go", "cloud.google.com/go/auth",
		module + "shared/store/postgresdriver", module + "shared/store/cloudsql",
	},
}

// brought is what a store brings that some functions do not have otherwise: pgx prepares
// passwords by the rules of a language.
var brought = map[Store][]string{Postgres: {"golang.org/x/text/language"}}

// NeverLinksOver are f's NeverLinks with what brings the stores that s is not.
func (f Function) NeverLinksOver(s Store) []string {
	never := slices.DeleteFunc(slices.Clone(f.NeverLinks), func(path string) bool {
		return slices.Contains(brought[s], path)
	})
	for _, other := range Stores {
		if other != s {
			never = append(never, drivers[other]...)
		}
	}
	return never
}

// Names returns the names of the functions that t starts, in the order of the list.
func Names(t Trigger) []string {
	var names []string
	for _, f := range Functions {
		if f.Trigger == t {
			names = append(names, f.Name)
		}
	}
	return names
}

// ByName returns the row of a function.
func ByName(name string) (Function, bool) {
	i := slices.IndexFunc(Functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return Functions[i], true
}

// Readers returns the names of the functions that read a setting.
func Readers(setting string) []string {
	var names []string
	for _, f := range Functions {
		if f.Reads(setting) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Reads reports whether f reads a setting.
func (f Function) Reads(setting string) bool { return slices.Contains(f.Settings, setting) }

// ImportPath is the import path of f's package, which is its module's too.
func (f Function) ImportPath() string { return module + "functions/" + f.Name }

// Forbidden returns the one of f's NeverLinks over s that a package or module belongs to, or "".
func (f Function) Forbidden(path string, s Store) string {
	for _, never := range f.NeverLinksOver(s) {
		if path == never || strings.HasPrefix(path, never+"/") {
			return never
		}
	}
	return ""
}
