# Who gets what: the one place to read what a function may do.
locals {
  # As make package wrote it beside the zips.
  release = trimspace(file("${var.packages_dir}/VERSION"))

  common = {
    ISSUER_URL           = var.public_origin
    GOOGLE_CLOUD_PROJECT = var.project
    LOG_LEVEL            = var.log_level
  }

  # Behind the gateway the client's credential comes in X-Forwarded-Authorization.
  # A load balancer before it proves itself, and knows its caller; the gateway's own host
  # answers all the same, and there the gateway and the platform add an address each. Straight
  # behind the load balancer the credential stays in Authorization, and nothing else may call.
  behind = merge(
    { FORWARDED_FOR_HOPS = tostring(coalesce(var.forwarded_for_hops, 2)) },
    local.straight ? { LOAD_BALANCER_ONLY = "true" } : { TRUST_FORWARDED_AUTHORIZATION = "true" },
    var.custom_domain ? { LOAD_BALANCER_PROOF = local.proof } : {},
  )

  # Lifetimes that are mcp's alone: how long it goes by a grant that it has read, which the
  # others read each time, and how long an upstream server may take its word for who calls.
  mcp_lifetimes = ["REVOCATION_MAX_AGE", "IDENTITY_TOKEN_TTL"]
  mcp_alone     = { for name, value in var.lifetimes : name => value if contains(local.mcp_lifetimes, name) }

  # The person's page says how soon mcp goes by what was ended there.
  revocation = { for name, value in var.lifetimes : name => value if name == "REVOCATION_MAX_AGE" }

  # Who writes a record says when it ends, so the other lifetimes go with the store.
  records = { for name, value in var.lifetimes : name => value if !contains(local.mcp_lifetimes, name) }
  store   = { for name, setting in local.stores : name => merge(local.records, { STORE = setting }) }

  # Who says who a person is, and who may enter. One of the two is configured.
  github = var.identity_provider == "github"
  people = merge({
    IDENTITY_PROVIDER = var.identity_provider
    ALLOW             = join(",", var.allow)
    }, local.github ? {
    GITHUB_CLIENT_ID = var.github_client_id
    GITHUB_URL       = var.github_url
    GITHUB_API_URL   = var.github_api_url
  } : {}, local.github && length(var.github_scopes) > 0 ? { GITHUB_SCOPES = join(" ", var.github_scopes) } : {})

  # Who asks an OpenID Connect provider knows how.
  openid = local.github ? {} : merge(
    { OIDC_CLIENT_ID = var.oidc_client_id },
    { for setting, value in {
      OIDC_ISSUER          = var.oidc_issuer
      OIDC_TITLE           = var.oidc.title
      OIDC_CLIENT_AUTH     = var.oidc.client_auth
      OIDC_GROUPS_CLAIM    = var.oidc.groups_claim
      OIDC_SCOPES          = length(var.oidc.scopes) == 0 ? null : join(" ", var.oidc.scopes)
      OIDC_TENANTS         = length(var.oidc.tenants) == 0 ? null : join(",", var.oidc.tenants)
      OIDC_PRIVATE_NETWORK = var.oidc.private_network ? "true" : null
    } : setting => value if value != null },
  )

  # Who only names it reads what it is called.
  provider_title = { for setting, value in local.openid : setting => value if contains(["OIDC_ISSUER", "OIDC_TITLE"], setting) }

  # Who hands people's tokens on knows whose they are.
  provider_tokens = { for setting, value in local.openid : setting => value if contains(["OIDC_ISSUER", "OIDC_CLIENT_ID"], setting) }

  # Our secret at the provider, for those who ask it as ourselves.
  provider_secret = local.github ? { GITHUB_CLIENT_SECRET_FILE = "github-client-secret" } : { OIDC_CLIENT_SECRET_FILE = "oidc-client-secret" }

  contact = var.operator_contact == null ? {} : { OPERATOR_CONTACT = var.operator_contact }

  # What documents say of the server as well as pages, and what pages alone do.
  about = { for setting, value in {
    SERVER_NAME = var.look.name
    PRIVACY_URL = var.look.privacy_url
    TERMS_URL   = var.look.terms_url
  } : setting => value if value != null }
  look = merge(local.about, { for setting, value in {
    LOGO            = var.look.logo_file == null ? null : "data:image/${endswith(var.look.logo_file, ".svg") ? "svg+xml" : "png"};base64,${filebase64(var.look.logo_file)}"
    ACCENT_COLOR    = var.look.accent_color
    SUPPORT_CONTACT = var.look.support_contact
  } : setting => value if value != null })

  # Who reads documents of clients, and who says that they are read, go together.
  documents = length(var.cimd_allow) == 0 ? {} : { CIMD_ALLOW = join(",", var.cimd_allow) }

  # Registration and authorization take the same redirect URIs.
  redirects = length(var.redirect_schemes) == 0 ? {} : { REDIRECT_SCHEMES = join(",", var.redirect_schemes) }

  # How each server behind is called, without what is left out; the credential's file is
  # where the secret is mounted.
  callings = merge(
    { for name, u in var.mcp_upstreams : name => u },
    var.mcp_upstream_options == null ? {} : { "" = var.mcp_upstream_options },
  )
  said = { for name, u in local.callings : name => merge(
    { for k, v in u : k => v if v != null && !contains(["credential", "tools", "prompts", "resources"], k) },
    u.credential == null ? {} : { credential = { header = u.credential.header, file = "/secrets/${u.credential.secret}/value" } },
    { for k, f in { tools = u.tools, prompts = u.prompts, resources = u.resources } : k => merge(
      { for member, v in f : member => v if v != null && member != "need" },
      f.need == null ? {} : { need = [for n in f.need : { for member, v in n : member => v if v != null }] },
    ) if f != null },
  ) }
  credentials = toset([for u in values(local.callings) : u.credential.secret if u.credential != null])

  # Who grants scopes, names them or asks for them reads one list of what tokens are for.
  resources = merge(
    length(var.scopes) == 0 ? {} : { SCOPES = jsonencode(var.scopes) },
    length(var.mcp_upstreams) == 0 ? {} : { MCP_UPSTREAMS = jsonencode([
      for name, u in var.mcp_upstreams : merge({ name = name }, local.said[name])
    ]) },
  )

  challenge = var.openai_apps_challenge == null ? {} : { OPENAI_APPS_CHALLENGE = var.openai_apps_challenge }

  upstream = var.mcp_upstream_url == null ? {} : { MCP_UPSTREAM_URL = var.mcp_upstream_url }
  options  = var.mcp_upstream_options == null ? {} : { MCP_UPSTREAM_OPTIONS = jsonencode(local.said[""]) }

  # What is sent besides the log: wellknown, which has to do without everything, sends nothing.
  otel_secrets = var.otel_headers_secret == null ? {} : { OTEL_EXPORTER_OTLP_HEADERS = var.otel_headers_secret }

  reader = { id = one(module.store[*].database), role = "roles/datastore.viewer" }
  writer = { id = one(module.store[*].database), role = "roles/datastore.user" }

  # environment: settings (docs/configuration.md); secrets: setting => secret;
  # timeout in seconds, below the deadline in gateway/openapi.yaml.
  http_functions = {
    register = {
      description = "Dynamic client registration and its management"
      environment = merge(local.common, var.otel, local.behind, local.store["register"], local.redirects, local.resources)
      secrets     = { FERNET_KEYS_FILE = "fernet-keys" }
      database    = local.writer
      timeout     = 30
      memory      = "256M"
    }
    authorize = {
      description = "Authorization endpoint, consent and the return from the identity provider"
      environment = merge(local.common, var.otel, local.behind, local.store["authorize"], local.people, local.openid, local.documents, local.redirects, local.contact, local.look, local.resources, local.options, { OFFLINE_ACCESS = tostring(var.offline_access) })
      secrets     = merge({ FERNET_KEYS_FILE = "fernet-keys" }, local.provider_secret)
      database    = local.writer
      timeout     = 30
      memory      = "256M"
    }
    # The only one with the private signing keys. It asks about people with their own
    # tokens, and exchanges those that end for newer ones, which takes the client secret.
    token = {
      description = "Token, revocation and introspection endpoints"
      environment = merge(local.common, var.otel, local.behind, local.store["token"], local.people, local.openid, local.resources, local.options)
      secrets     = merge({ FERNET_KEYS_FILE = "fernet-keys", SIGNING_KEYS_FILE = "signing-keys" }, local.provider_secret)
      database    = local.writer
      timeout     = 30
      memory      = "256M"
    }
    # Answers when all else is down: no database, no private key.
    wellknown = {
      description = "Metadata documents and verification keys"
      environment = merge(local.common, local.behind, local.documents, local.challenge, local.about, local.resources)
      secrets     = { VERIFICATION_KEYS_FILE = "verification-keys" }
      database    = null
      timeout     = 30
      memory      = "256M"
    }
    # Pages for people. It writes, for people end their grants here; the provider's secret is not
    # needed, for authorize signs them in.
    connections = {
      description = "Front door, and the person's own page"
      environment = merge(local.common, var.otel, local.behind, local.store["connections"], local.revocation, { IDENTITY_PROVIDER = var.identity_provider }, local.provider_title, local.resources, local.look)
      secrets     = { FERNET_KEYS_FILE = "fernet-keys" }
      database    = local.writer
      timeout     = 30
      memory      = "256M"
    }
    # Runs tools that other people write: no key that makes an access token, and the
    # database for reading only. Its private keys tell upstream servers who calls.
    mcp = {
      description = "MCP endpoint"
      environment = merge(local.common, var.otel, local.behind, local.store["mcp"], local.mcp_alone, local.people, local.provider_tokens, local.resources, local.options, local.upstream, { for setting, value in local.about : setting => value if setting == "SERVER_NAME" })
      secrets     = { FERNET_KEYS_FILE = "fernet-keys", VERIFICATION_KEYS_FILE = "verification-keys", IDENTITY_KEYS_FILE = "identity-keys" }
      database    = local.reader
      timeout     = 300
      memory      = "512M"
    }
  }

  # Ends a person's token at the provider with our credentials there.
  cascade = {
    description = "Removes what hangs from a deleted client or an ended grant"
    environment = merge(local.common, var.otel, local.store["cascade"], local.people, local.openid)
    secrets     = merge({ FERNET_KEYS_FILE = "fernet-keys" }, local.provider_secret)
    timeout     = 120
    memory      = "256M"
  }

  instances = merge(
    { for name in concat(keys(local.http_functions), ["cascade"]) : name => { min = 0, max = 10 } },
    var.instances,
  )
}
