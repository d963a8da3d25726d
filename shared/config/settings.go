package config

import "time"

// Limits that several settings share.
const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Settings is every setting there is, in the order of the documentation. Who reads which is
// in shared/manifest.
var Settings = []Setting{
	{
		Name: "ISSUER_URL", Kind: KindOrigin, Example: "https://auth.example.com",
		Want: "the public https origin, like https://auth.example.com",
		Doc: "The public origin of the server: https, no path, no trailing slash. " +
			"It is the issuer in every document and token, so it must never change. " +
			"Plain http is accepted for a loopback address. Unset, the origin is taken from the request, " +
			"for requests that arrive on loopback only; a deployed function refuses to start without it.",
	},
	{
		Name: "STORE", Kind: KindText, Required: true, Example: "firestore:my-project",
		Want: "embedded:DIRECTORY, firestore:PROJECT, firestore:PROJECT/DATABASE or " +
			"postgres://USER@HOST/DATABASE?sslmode=verify-full, like firestore:my-project",
		Doc: "Where records are kept: `embedded:DIRECTORY`, `firestore:PROJECT`, `firestore:PROJECT/DATABASE`, " +
			"`postgres://USER@HOST/DATABASE?sslmode=verify-full`, or " +
			"`postgres://USER@/DATABASE?cloudsql=PROJECT:REGION:INSTANCE` for Cloud SQL with IAM authentication " +
			"(docs/storage.md has the parameters). `FIRESTORE_EMULATOR_HOST` is honoured. " +
			"A deployed function has one driver: Firestore's, or PostgreSQL's.",
	},
	{
		Name: "IDENTITY_PROVIDER", Kind: KindEnum, Required: true,
		Words: []string{
			"github", "oidc", "oidc:google", "oidc:entra", "oidc:okta", "oidc:auth0", "oidc:keycloak", "oidc:gitlab",
			"oidc:authentik", "development",
		},
		Example: "oidc:google",
		Doc: "Who says who a person is: `github`, or `oidc` for any OpenID Connect provider. " +
			"A product's name after `oidc:` sets what it is known to do: scopes, the claims that mean groups and a " +
			"verified address, and the issuer where there is one for everybody. " +
			"`development` is a form that believes every name; " +
			"it is refused unless the issuer is a loopback address.",
	},
	{
		Name: "GITHUB_CLIENT_ID", Kind: KindText, Required: true, Example: "Iv1.0123456789abcdef",
		Want: "the client id of the GitHub OAuth app, like Iv1.0123456789abcdef",
		Doc: "The client id of the GitHub OAuth app whose callback is `ISSUER_URL/auth/callback`. " +
			"Read when `IDENTITY_PROVIDER` is `github`.",
	},
	{
		Name: "GITHUB_CLIENT_SECRET_FILE", Kind: KindFile, Required: true,
		Example: "/secrets/github-client-secret/value",
		Doc: "A file with the client secret of the GitHub OAuth app; white space around it is ignored. " +
			"Read when `IDENTITY_PROVIDER` is `github`.",
	},
	{
		Name: "GITHUB_URL", Kind: KindURL, Default: "https://github.com", Example: "https://github.example.com",
		Doc: "The address of GitHub's pages, for GitHub Enterprise Server and tests. People are kept by the id that " +
			"GitHub has for them, which at another one is somebody else's: a server that moves from one to another " +
			"begins with an empty store.",
	},
	{
		Name: "GITHUB_API_URL", Kind: KindURL, Default: "https://api.github.com",
		Example: "https://github.example.com/api/v3",
		Doc:     "The address of GitHub's REST API, for GitHub Enterprise Server and tests.",
	},
	{
		Name: "GITHUB_SCOPES", Kind: KindText, Example: "repo",
		Want: "scopes of GitHub separated by spaces, like repo",
		Doc: "What tools may do at GitHub in the person's name, beyond what the rules of `ALLOW` need: scopes that " +
			"GitHub is asked for at the sign-in, and that the consent page puts in words. " +
			"Unset, none: tools see what is public. " +
			"People who signed in before a scope was added are asked to sign in again when a tool needs GitHub. " +
			"Read when `IDENTITY_PROVIDER` is `github`.",
	},
	{
		Name: "OIDC_ISSUER", Kind: KindText, Example: "https://id.example.com/realms/acme",
		Want: "the issuer as the provider writes it, an https URL like https://id.example.com/realms/acme",
		Doc: "The issuer of the OpenID Connect provider, to the last character as its own documents have it, a slash " +
			"at the end included. Plain http is accepted for a loopback address. " +
			"Unset, it is that of the product: `oidc:google` and `oidc:gitlab` have one. " +
			"People are kept under it, so it must never change. Read when `IDENTITY_PROVIDER` begins with `oidc`, " +
			"like all settings of that name.",
	},
	{
		Name: "OIDC_CLIENT_ID", Kind: KindText, Required: true, Example: "postern",
		Want: "the client id that the OpenID Connect provider gave, like postern",
		Doc: "Our client id at the provider, registered there with the callback `ISSUER_URL/auth/callback`. " +
			"`mcp` reads it, and `OIDC_ISSUER`, where a server behind gets people's tokens (`provider_token`).",
	},
	{
		Name: "OIDC_CLIENT_SECRET_FILE", Kind: KindFile, Example: "/secrets/oidc-client-secret/value",
		Doc: "A file with our client secret at the provider; white space around it is ignored. " +
			"Needed unless `OIDC_CLIENT_KEY_FILE` is set.",
	},
	{
		Name: "OIDC_CLIENT_KEY_FILE", Kind: KindFile, Example: "/secrets/oidc-client-key/value",
		Doc: "A file with a private key by which we prove who we are at the provider, in place of a secret: " +
			"PKCS #8 in PEM, with its certificate beside it where the provider goes by that, or a JWK; " +
			"of P-256, P-384, or RSA from 2048 bits.",
	},
	{
		Name: "OIDC_CLIENT_AUTH", Kind: KindEnum, Example: "client_secret_post",
		Words: []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		Doc: "How we prove who we are at the provider. Unset, it is `private_key_jwt` where there is " +
			"a key, else `client_secret_basic` unless the provider offers `client_secret_post` alone.",
	},
	{
		Name: "OIDC_TITLE", Kind: KindText, Example: "Acme's directory",
		Want: "what people call the provider, up to 60 characters, like Acme",
		Doc: "What people call the provider, on the consent page and others. " +
			"Unset, it is the product's name, or the host of the issuer.",
	},
	{
		Name: "OIDC_SCOPES", Kind: KindText, Example: "roles",
		Want: "scopes separated by spaces, like roles",
		Doc: "Scopes to ask the provider for, beside `openid`, `profile` and those that the rules of `ALLOW` need. " +
			"Some providers say groups or roles only to whom asks for their scope.",
	},
	{
		Name: "OIDC_GROUPS_CLAIM", Kind: KindText, Example: "roles",
		Want: "the name of a claim, like roles",
		Doc: "The claim that lists a person's groups, which rules like `group:ops` go by; " +
			"dots lead into an object: `realm_access.roles`. Unset, it is `groups`, or what the product has.",
	},
	{
		Name: "OIDC_TENANTS", Kind: KindText, Example: "8d3f3d24-6a3e-4d0c-9a43-8f1d2c0a5b77",
		Want: "ids of tenants separated by commas, like 8d3f3d24-6a3e-4d0c-9a43-8f1d2c0a5b77, or the word any",
		Doc: "Whose people may sign in where the issuer stands for many tenants: with `oidc:entra` and an " +
			"`OIDC_ISSUER` of `https://login.microsoftonline.com/organizations/v2.0` or `…/common/v2.0`. " +
			"There it is needed; `ALLOW` then decides about the people of these tenants.",
	},
	{
		Name: "OIDC_PRIVATE_NETWORK", Kind: KindBool, Default: "false", Example: "true",
		Doc: "Whether the provider may be in an organisation's own network (10.0.0.0/8, 172.16.0.0/12, " +
			"192.168.0.0/16, 100.64.0.0/10, fc00::/7). " +
			"With false, nothing but public addresses is called, whatever the provider's documents name.",
	},
	{
		Name: "ALLOW", Kind: KindText, Required: true, Example: "user:octocat,org:acme",
		Want: "who may enter: user:octocat, user-id:583231, email:a@example.com, email-domain:example.com, org:acme, " +
			"team:acme/ops, group:ops, claim:department=ops, separated by commas, or the word anyone",
		Doc: "Who may enter, separated by commas: `user:octocat`, `org:acme`, `team:acme/ops`, `group:ops`, " +
			"`email:a@example.com`, `email-domain:example.com`, `claim:department=ops`, or the word `anyone`. " +
			"A login can be given up and taken by somebody else; `user-id:583231` names the account itself, for an " +
			"OpenID Connect provider by its `sub`. Addresses count where the provider says that they are verified. " +
			"A claim counts where it is the value or lists it; dots lead into an object, as in " +
			"`claim:realm_access.roles=ops`. Two patterns are safe and so there are two: " +
			"`email-domain:*.example.com` for the domains below one, `group:acme/*` for the groups below one. " +
			"A comma within a value is written `%2C`, and `%` is `%25`. " +
			"A rule that the provider can never answer stops the start and says what to write instead. " +
			"There is no default: nothing said means nobody, and the function does not start.",
	},
	{
		Name: "SERVER_NAME", Kind: KindText, Example: "Acme Tools",
		Want: "what people call the server, in up to 60 characters, like Acme Tools",
		Doc: "What people call the server: on every page and in its title, in `resource_name` of the metadata, " +
			"and as the title in MCP's `serverInfo` where the tools' author gave none. Unset, pages say the host. " +
			"docs/pages.md shows what the look of pages is made of.",
	},
	{
		Name: "LOGO", Kind: KindText, Example: "/etc/postern/logo.svg",
		Want: "a PNG or SVG of up to 4096 bytes: the name of its file, or data:image/svg+xml;base64,…",
		Doc: "The logo on every page: the name of a file, or a data URI in base64, which terraform makes of one. " +
			"A PNG of up to 512 pixels a side, or an SVG that only draws: no script, style, link or picture in it. " +
			"It stands in the page itself, so 4096 bytes is all it may have.",
	},
	{
		Name: "ACCENT_COLOR", Kind: KindText, Example: "#1a56c4",
		Want: "a colour in six hexadecimal digits, like #1a56c4",
		Doc: "The colour of links and of the main button. Where it could not be read it is made darker, for light " +
			"pages, or lighter, for dark ones, until its contrast is 4.5:1 (WCAG 2.2 AA); the start logs what became " +
			"of it, and `postern pages preview` shows it.",
	},
	{
		Name: "SUPPORT_CONTACT", Kind: KindText, Example: "help@example.com",
		Want: "an e-mail address or an https URL, like help@example.com",
		Doc: "Whom people ask for help: an e-mail address or an https URL, at the foot of every page, " +
			"which anybody may read.",
	},
	{
		Name: "PRIVACY_URL", Kind: KindText, Example: "https://example.com/privacy", Want: "an https URL",
		Doc: "The privacy policy: at the foot of every page, " +
			"and as `op_policy_uri` and `resource_policy_uri` in the metadata.",
	},
	{
		Name: "TERMS_URL", Kind: KindText, Example: "https://example.com/terms", Want: "an https URL",
		Doc: "The terms of use: at the foot of every page, " +
			"and as `op_tos_uri` and `resource_tos_uri` in the metadata.",
	},
	{
		Name: "OPERATOR_CONTACT", Kind: KindText, Example: "ops@example.com",
		Want: "an e-mail address or an https URL, like ops@example.com",
		Doc: "Whom people ask who may not enter: an e-mail address or an https URL, " +
			"on the page that turns them away, which anybody with an account at the provider may read. " +
			"Unset, it is `SUPPORT_CONTACT`; without that it says “the operator of this server”.",
	},
	{
		Name: "FERNET_KEYS_FILE", Kind: KindFile, Required: true, Example: "/secrets/fernet-keys/value",
		Doc: "The ring that seals records and forms: Fernet keys, one a line. The first one seals, all open. " +
			"Read on first use and again when older than `KEYS_MAX_AGE`.",
	},
	{
		Name: "SIGNING_KEYS_FILE", Kind: KindFile, Required: true, Example: "/secrets/signing-keys/value",
		Doc: "The private keys that sign access tokens, a JWKS. The first one signs. " +
			"Mounted on the token function alone.",
	},
	{
		Name: "VERIFICATION_KEYS_FILE", Kind: KindFile, Required: true, Example: "/secrets/verification-keys/value",
		Doc: "The public keys that verify access tokens, a JWKS without private members.",
	},
	{
		Name: "IDENTITY_KEYS_FILE", Kind: KindFile, Example: "/secrets/identity-keys/value",
		Doc: "The private keys that sign what tells MCP servers behind this one who calls, a JWKS. " +
			"The first one signs. Mounted on the mcp function alone, which shows the public halves at " +
			"`/.well-known/identity-jwks.json`. Unset, nothing is signed and nothing is there.",
	},
	{
		Name: "KEYS_MAX_AGE", Kind: KindDuration, Default: "5m", Min: time.Second, Max: time.Hour, Example: "1m",
		Doc: "How old a ring of keys may get before a request reads its file again; " +
			"the client secret of the identity provider likewise. " +
			"`postern keys rotate --wait` must be longer, or a key writes before every server has it.",
	},
	{
		Name: "ACCESS_TOKEN_TTL", Kind: KindDuration, Default: "1h", Min: time.Second, Max: day, Example: "15m",
		Doc: "How long an access token is good.",
	},
	{
		Name: "IDENTITY_TOKEN_TTL", Kind: KindDuration, Default: "5m", Min: time.Second, Max: 5 * time.Minute,
		Example: "1m",
		Doc:     "How long what tells an MCP server behind this one who calls is good. It is made anew before it ends.",
	},
	{
		Name: "GRANT_TTL", Kind: KindDuration, Default: "2160h", Min: time.Second, Max: 5 * year, Example: "720h",
		Doc: "How long a person stays signed in after the last refresh.",
	},
	{
		Name: "CODE_TTL", Kind: KindDuration, Default: "60s", Min: time.Second, Max: 10 * time.Minute, Example: "30s",
		Doc: "How long an authorization code is good.",
	},
	{
		Name: "SIGN_IN_TTL", Kind: KindDuration, Default: "10m", Min: time.Second, Max: time.Hour, Example: "5m",
		Doc: "How long a person may take from the consent page to the return from the identity provider.",
	},
	{
		Name: "REFRESH_GRACE", Kind: KindDuration, Default: "120s", Min: time.Second, Max: time.Hour,
		ZeroOK: true, Example: "60s",
		Doc: "How long a refresh token still works after its first rotation. 0 means not at all.",
	},
	{
		Name: "REVOCATION_MAX_AGE", Kind: KindDuration, Default: "30s", Min: time.Second, Max: time.Hour,
		ZeroOK: true, Example: "5s",
		Doc: "How long `/mcp` may go without looking whether a grant still lives. " +
			"0 means that it looks on every request.",
	},
	{
		Name: "MEMBERSHIP_TTL", Kind: KindDuration, Default: "1h", Min: time.Second, Max: 30 * day,
		ZeroOK: true, Example: "15m",
		Doc: "How old the last answer to who may enter may be when a token is refreshed, whichever kind of rule of " +
			"`ALLOW` let the person in: beyond it the identity provider is asked about the account and its " +
			"memberships as they are now. 0 means that every refresh asks. " +
			"Where `anyone` may enter there is nothing to ask.",
	},
	{
		Name: "EVIDENCE_MAX_AGE", Kind: KindDuration, Default: "168h", Min: time.Second, Max: year,
		ZeroOK: true, Example: "72h",
		Doc: "How old the last good answer may become while the identity provider does not accept the token that it " +
			"gave for a person, or answers nothing that can be understood. Until then a refresh is a fault (503) and " +
			"loses nothing, after that the person has to sign in again. 0 means that they have to at once. " +
			"It is also how long the answer of a sign-in holds at an OpenID Connect provider that gives nothing to " +
			"ask with later: no refresh token, and an access token that has expired. Until then refreshes go on, " +
			"without a look whether the person may still enter; the consent page says so.",
	},
	{
		Name: "CLIENT_UNUSED_TTL", Kind: KindDuration, Default: "168h", Min: time.Second, Max: 5 * year, Example: "24h",
		Doc: "When a registration expires whose client never completed a login. One that did never expires.",
	},
	{
		Name: "CIMD_ALLOW", Kind: KindText, Example: "claude.ai,chatgpt.com,vscode.dev",
		Want: "hosts in lower case, separated by commas, like claude.ai,vscode.dev, or the word none",
		Doc: "Whose client ID metadata documents are read, by host. Unset, everybody's on public addresses, " +
			"but for hosts of the platform that runs this server. A host stands for itself, not for those below it. " +
			"`none` turns metadata documents off, and the metadata of the server then does not offer them. " +
			"It decides about new sign-ins; who is connected stays so.",
	},
	{
		Name: "REDIRECT_SCHEMES", Kind: KindText, Example: "cursor,vscode,com.example.app",
		Want: "app schemes in lower case, separated by commas, like cursor,com.example.app, or the word none",
		Doc: "Which schemes of apps redirect URIs may have, beside https and http on loopback. " +
			"Unset, every scheme that is an app's own: none of the web, of scripts, data, files or the browser, " +
			"and none that an operating system handles. " +
			"`none` leaves https and loopback. It decides about registrations " +
			"(`postern clients add` and `update` too, where they find it in their environment) " +
			"and about new sign-ins of clients that are registered; who is connected stays so.",
	},
	{
		Name: "SCOPES", Kind: KindText, Example: `[{"name":"admin","words":"delete what was kept"}]`,
		Want: `a JSON array like [{"name":"admin","words":"delete what was kept"}], each with "default":true ` +
			`or "advertised":true if it is that`,
		Doc: "The scopes that tools ask for beside `mcp`, a JSON array of objects: `name`, `words` for the consent " +
			"page (“It could: …”), `default` if a client that asks for nothing gets it, `advertised` if the " +
			"server's metadata names it, as it does default ones; some clients ask for everything that stands " +
			"there. A scope that is neither is granted only to a client that asks for it. Every function that " +
			"reads it needs the same. It decides about new sign-ins; who is connected keeps what was approved.",
	},
	{
		Name: "OPENAI_APPS_CHALLENGE", Kind: KindText, Example: "8t0fMl4QrJ2yXw7v",
		Want: "the text that OpenAI shows when an app is submitted, up to 512 characters without spaces",
		Doc: "What `/.well-known/openai-apps-challenge` answers, by which OpenAI knows that " +
			"who submits an app to ChatGPT's directory has this server. " +
			"Unset, there is nothing at that path.",
	},
	{
		Name: "OFFLINE_ACCESS", Kind: KindBool, Default: "true", Example: "false",
		Doc: "Whether a client that registered for `authorization_code` alone gets a refresh token " +
			"when it asks for the scope `offline_access`. " +
			"With false it gets none, and the scope of the token answer lacks `offline_access`. " +
			"Clients that registered for `refresh_token` get one either way.",
	},
	{
		Name: "TRUST_FORWARDED_AUTHORIZATION", Kind: KindBool, Default: "false", Example: "true",
		Doc: "Set by terraform behind API Gateway, which moves the client's own credential to " +
			"`X-Forwarded-Authorization`: true reads only that header, false only `Authorization`.",
	},
	{
		Name: "FORWARDED_FOR_HOPS", Kind: KindInt, Default: "0", Least: 0, Most: 16, Example: "2",
		Doc: "Which entry of `X-Forwarded-For`, counted from the right, is the client's address, for limits. " +
			"0 uses the address of the connection. Entries further left can be forged.",
	},
	{
		Name: "LOAD_BALANCER_PROOF", Kind: KindText, Confidential: true,
		Example: "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41",
		Want:    "32 characters or more of visible ASCII, without commas",
		Doc: "Set by terraform with `custom_domain`: what the load balancer " +
			"sends in `X-Postern-Load-Balancer`, before the address of its caller. " +
			"With it, that address is the client's, for limits; " +
			"without it, the request came around the load balancer, and `FORWARDED_FOR_HOPS` counts.",
	},
	{
		Name: "LOAD_BALANCER_ONLY", Kind: KindBool, Default: "false", Example: "true",
		Doc: "Set by terraform with `front = \"load-balancer\"`, where no API Gateway stands between: " +
			"true answers 403 to every request without `LOAD_BALANCER_PROOF`, whatever it asks for.",
	},
	{
		Name: "MCP_UPSTREAM_URL", Kind: KindURL, Example: "https://wiki.example.com/mcp",
		Doc: "The MCP server behind this one, by its whole URL: `/mcp` then is the way to it, and serves nothing " +
			"of its own. It is told who calls by a token of `IDENTITY_KEYS_FILE`, unless `MCP_UPSTREAM_OPTIONS` says " +
			"otherwise. docs/upstream.md has the rest.",
	},
	{
		Name: "MCP_UPSTREAM_OPTIONS", Kind: KindText,
		Example: `{"identity":"headers","credential":{"header":"X-Api-Key","file":"/secrets/wiki-key/value"}}`,
		Want:    `a JSON object like {"identity":"headers"}`,
		Doc: "How the server of `MCP_UPSTREAM_URL` is called and what of it may be used, a JSON object with the " +
			"members of an entry of `MCP_UPSTREAMS` from `identity` on. Unset, a token tells it who calls, and all " +
			"of it may be used.",
	},
	{
		Name: "MCP_UPSTREAMS", Kind: KindText,
		Example: `[{"name":"wiki","url":"https://wiki.example.com/mcp"}]`,
		Want:    `a JSON array like [{"name":"wiki","url":"https://wiki.example.com/mcp"}]`,
		Doc: "The MCP servers behind this one that have paths of their own beside `/mcp`, a JSON array of objects: " +
			"`name`, by which it is at `/mcp/NAME`; `url`, its whole URL; `title`, which people read on the consent " +
			"page; `scopes`, what it asks for beside `mcp`, as in `SCOPES`; and from `identity` on how it is called " +
			"and what of it may be used. Each is a resource of its own: a token for one is of no use at another. " +
			"Every function that reads it needs the same. docs/upstream.md has every member.",
	},
	{
		Name: "LOG_LEVEL", Kind: KindEnum, Default: "info",
		Words: []string{"debug", "info", "warn", "error"}, Example: "debug",
		Doc: "The least severe line that is written.",
	},
	{
		Name: "GOOGLE_CLOUD_PROJECT", Kind: KindText, Example: "my-project",
		Want: "a Google Cloud project id, like my-project",
		Doc: "The project under which lines of the log are grouped with the platform's request log. " +
			"Unset, lines carry no trace.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Kind: KindText, Confidential: true,
		Example: "http://127.0.0.1:4318",
		Want:    "the address of an OpenTelemetry collector without credentials and query, like http://127.0.0.1:4318",
		Doc: "Where traces and metrics go, by OTLP over HTTP, to `/v1/traces` and `/v1/metrics` below it. " +
			"Unset, none are made. This and all that begins with `OTEL_` is OpenTelemetry's standard, whose other " +
			"variables count as well, from the environment of the process: `OTEL_EXPORTER_OTLP_TIMEOUT`, " +
			"`_COMPRESSION`, `_CERTIFICATE`, `_METRICS_TEMPORALITY_PREFERENCE`, `OTEL_RESOURCE_ATTRIBUTES`, " +
			"`OTEL_BSP_*`, `OTEL_METRIC_EXPORT_INTERVAL`. " +
			"[operations.md](operations.md#traces-and-metrics) says what is sent.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Kind: KindText, Confidential: true,
		Example: "https://otlp.example.com/v1/traces",
		Want:    "the whole address that takes traces, like https://otlp.example.com/v1/traces",
		Doc:     "Where traces go, if that is another place. Without the setting above there are traces alone.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Kind: KindText, Confidential: true,
		Example: "https://otlp.example.com/v1/metrics",
		Want:    "the whole address that takes metrics, like https://otlp.example.com/v1/metrics",
		Doc:     "The same for metrics.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_HEADERS", Kind: KindText, Confidential: true,
		Example: "authorization=Bearer%20abc",
		Want:    "headers as name=value, percent-encoded and separated by commas, like authorization=Bearer%20abc",
		Doc:     "What a collector wants to see, its credential above all.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", Kind: KindText, Confidential: true,
		Example: "authorization=Bearer%20abc",
		Want:    "headers as name=value, percent-encoded and separated by commas, like authorization=Bearer%20abc",
		Doc:     "The same for traces alone.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_METRICS_HEADERS", Kind: KindText, Confidential: true,
		Example: "authorization=Bearer%20abc",
		Want:    "headers as name=value, percent-encoded and separated by commas, like authorization=Bearer%20abc",
		Doc:     "The same for metrics alone.",
	},
	{
		Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Kind: KindEnum, Words: []string{"http/protobuf"}, Example: "http/protobuf",
		Doc: "How it goes. There is one way.",
	},
	{
		Name: "OTEL_TRACES_EXPORTER", Kind: KindEnum, Words: []string{"otlp", "none"}, Example: "none",
		Doc: "`none` sends no traces.",
	},
	{
		Name: "OTEL_METRICS_EXPORTER", Kind: KindEnum, Words: []string{"otlp", "none"}, Example: "none",
		Doc: "`none` sends no metrics.",
	},
	{
		Name: "OTEL_TRACES_SAMPLER", Kind: KindEnum, Example: "traceidratio",
		Words: []string{
			"always_on", "always_off", "traceidratio",
			"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
		},
		Doc: "Which requests have a trace. Unset, all but those whose caller says that theirs has none " +
			"(`parentbased_always_on`); callers decide, then. `traceidratio` does not ask them.",
	},
	{
		Name: "OTEL_TRACES_SAMPLER_ARG", Kind: KindText, Example: "0.1",
		Want: "a number from 0 to 1, like 0.1",
		Doc:  "The part of them, for `traceidratio` and `parentbased_traceidratio`.",
	},
	{
		Name: "OTEL_SERVICE_NAME", Kind: KindText, Example: "mcp-of-acme",
		Want: "a name, like mcp-of-acme",
		Doc: "What this program is called. Unset, `postern-` and the function's name; `postern` where one program " +
			"has all functions.",
	},
	{
		Name: "OTEL_SDK_DISABLED", Kind: KindBool, Default: "false", Example: "true",
		Doc: "With true nothing is sent, whatever else is set.",
	},
}
