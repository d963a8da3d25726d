variable "project" {
  description = "Id (not name or number) of the Google Cloud project that everything is created in, e.g. acme-mcp."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a Google Cloud project id, 6 to 30 lower-case letters, digits and hyphens, e.g. project = \"acme-mcp\" (gcloud projects list shows it)."
  }
}

variable "region" {
  description = "Region of the functions, e.g. europe-west1. Choose one that has API Gateway too, or set gateway_region or front."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a Google Cloud region, e.g. region = \"europe-west1\" (not a zone like europe-west1-b)."
  }
}

variable "public_origin" {
  description = "Public https origin of the server, e.g. https://auth.example.com. It is the issuer (RFC 8414 section 2) and must never change once clients are connected. Without a domain of your own write https://first-apply.invalid, apply, and put in the host that output gateway_hostname shows."
  type        = string

  validation {
    condition     = can(regex("^https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z][a-z0-9-]*$", var.public_origin))
    error_message = "public_origin must be an https origin in lower case without port, path or trailing slash, e.g. public_origin = \"https://auth.example.com\"."
  }
}

variable "custom_domain" {
  description = "Put a load balancer with a managed certificate for the host of public_origin in front of the gateway, or with front = \"load-balancer\" of the functions (about 18 USD a month). Its DNS A record must then point to output domain_address."
  type        = bool
  default     = false

  validation {
    condition     = !(var.custom_domain && can(regex("\\.(gateway\\.dev|invalid)$", var.public_origin)))
    error_message = "custom_domain = true needs a domain of your own in public_origin, e.g. public_origin = \"https://auth.example.com\"; the gateway's own host works without."
  }
}

variable "front" {
  description = "What stands in front of the functions: api-gateway, or load-balancer: that of custom_domain then leads straight to them, without API Gateway, lets streams through and ends them at a function's own timeout. docs/deploy.md says which when. IAM then lets everybody call a function, from inside the project and by load balancers of it, and the function refuses whatever did not come by this one."
  type        = string
  default     = "api-gateway"

  validation {
    condition     = contains(["api-gateway", "load-balancer"], var.front)
    error_message = "front must be api-gateway or load-balancer, e.g. front = \"load-balancer\"."
  }

  validation {
    condition     = var.front != "load-balancer" || var.custom_domain
    error_message = "front = \"load-balancer\" is that of a domain of your own: set custom_domain = true and the domain in public_origin, e.g. public_origin = \"https://auth.example.com\", or leave it out."
  }
}

variable "security_policy" {
  description = "With custom_domain: name of a Cloud Armor policy of the project that the load balancer goes by, e.g. acme-edge. The host of API Gateway answers around it; front = \"load-balancer\" leaves no way around. You make it; let it not refuse POST to /mcp by rules for web forms. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.security_policy == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.security_policy))
    error_message = "security_policy must be the name of a Cloud Armor policy, e.g. security_policy = \"acme-edge\" (gcloud compute security-policies list), or be left out."
  }

  validation {
    condition     = var.security_policy == null || var.custom_domain
    error_message = "security_policy is for a load balancer: set custom_domain = true too, or leave it out."
  }
}

variable "certificate_first" {
  description = "With custom_domain: issue the certificate before the host leads here, by a CNAME record that output certificate_record shows, e.g. to move a host that serves people now. False issues it once the A record is there."
  type        = bool
  default     = false

  validation {
    condition     = !var.certificate_first || var.custom_domain
    error_message = "certificate_first is about the certificate of the load balancer: set custom_domain = true too, or leave it out."
  }
}

variable "dns_zone" {
  description = "With custom_domain: zone of Cloud DNS that gets the records of the host, PROJECT/ZONE, e.g. acme-dns/example-com. Null leaves the records to you."
  type        = string
  default     = null

  validation {
    condition     = var.dns_zone == null || can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]/[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.dns_zone))
    error_message = "dns_zone must be a project and the name (not the domain) of a zone, e.g. dns_zone = \"acme-dns/example-com\" (gcloud dns managed-zones list), or be left out."
  }

  validation {
    condition     = var.dns_zone == null || var.custom_domain
    error_message = "dns_zone is for the host of a load balancer: set custom_domain = true too, or leave it out."
  }
}

variable "identity_provider" {
  description = "Who says who a person is: github, or oidc for any OpenID Connect provider, or a product of those after a colon: oidc:google, oidc:entra, oidc:okta, oidc:auth0, oidc:keycloak, oidc:gitlab, oidc:authentik."
  type        = string
  default     = "github"

  validation {
    condition     = contains(["github", "oidc", "oidc:google", "oidc:entra", "oidc:okta", "oidc:auth0", "oidc:keycloak", "oidc:gitlab", "oidc:authentik"], var.identity_provider)
    error_message = "identity_provider must be github, oidc, or oidc: and one of google, entra, okta, auth0, keycloak, gitlab, authentik, e.g. identity_provider = \"oidc:google\"."
  }
}

variable "oidc_issuer" {
  description = "Issuer of the OpenID Connect provider, to the last character as the provider writes it, e.g. https://id.example.com/realms/acme. oidc:google and oidc:gitlab have one of their own."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_issuer == null ? true : can(regex("^https://[^/?#]+(/[^?#]*)?$", var.oidc_issuer))
    error_message = "oidc_issuer must be an https URL without query, e.g. oidc_issuer = \"https://id.example.com/realms/acme\"."
  }

  validation {
    condition     = var.oidc_issuer != null || contains(["github", "oidc:google", "oidc:gitlab"], var.identity_provider)
    error_message = "oidc_issuer is needed with this identity_provider, e.g. oidc_issuer = \"https://id.example.com/realms/acme\"."
  }
}

variable "oidc_client_id" {
  description = "Our client id at the OpenID Connect provider, whose callback is PUBLIC_ORIGIN/auth/callback. The client secret goes to Secret Manager, never here."
  type        = string
  default     = null

  validation {
    condition     = (var.oidc_client_id != null) == (var.identity_provider != "github")
    error_message = "oidc_client_id goes with an identity_provider of oidc, e.g. oidc_client_id = \"postern\", and with no other."
  }
}

variable "oidc" {
  description = "What else is to say about the OpenID Connect provider: its title for people; how we prove who we are (client_secret_basic or client_secret_post, for one that offers both and takes one); the claim that lists groups; further scopes; whose tenants sign in where the issuer stands for many; whether it is in a private network that the functions reach."
  type = object({
    title           = optional(string)
    client_auth     = optional(string)
    groups_claim    = optional(string)
    scopes          = optional(list(string), [])
    tenants         = optional(list(string), [])
    private_network = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.oidc.client_auth == null ? true : contains(["client_secret_basic", "client_secret_post"], var.oidc.client_auth)
    error_message = "oidc.client_auth must be client_secret_basic or client_secret_post, e.g. oidc = { client_auth = \"client_secret_post\" }."
  }

  validation {
    condition     = alltrue([for tenant in var.oidc.tenants : can(regex("^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|any)$", tenant))])
    error_message = "oidc.tenants has an entry that is no tenant's id, e.g. oidc = { tenants = [\"8d3f3d24-6a3e-4d0c-9a43-8f1d2c0a5b77\"] }; [\"any\"] lets all of them sign in."
  }

  validation {
    condition     = alltrue([for scope in var.oidc.scopes : can(regex("^[!#-\\[\\]-~]+$", scope))])
    error_message = "oidc.scopes has an entry that is no scope, e.g. oidc = { scopes = [\"roles\"] }."
  }
}

variable "github_client_id" {
  description = "Client id of the GitHub OAuth app or GitHub App whose callback is PUBLIC_ORIGIN/auth/callback, e.g. Ov23liAbCdEf0123456. The client secret goes to Secret Manager, never here."
  type        = string
  default     = null

  validation {
    condition     = var.github_client_id == null ? true : can(regex("^[A-Za-z0-9.]{8,64}$", var.github_client_id)) && !can(regex("^[0-9a-f]{40}$", var.github_client_id))
    error_message = "github_client_id must be the client id of a GitHub OAuth app, e.g. github_client_id = \"Ov23liAbCdEf0123456\". Forty hexadecimal digits are the client secret: that one belongs in the Secret Manager secret github-client-secret."
  }

  validation {
    condition     = (var.github_client_id != null) == (var.identity_provider == "github")
    error_message = "github_client_id goes with identity_provider = \"github\", e.g. github_client_id = \"Ov23liAbCdEf0123456\", and with no other."
  }
}

variable "github_url" {
  description = "Address of GitHub's pages, for GitHub Enterprise Server, e.g. https://github.example.com. Leave it out for github.com."
  type        = string
  default     = "https://github.com"

  validation {
    condition     = can(regex("^https://[^/?#]+(/[^?#]*[^/?#])?$", var.github_url))
    error_message = "github_url must be an https URL without trailing slash, e.g. github_url = \"https://github.example.com\"; leave it out for github.com."
  }
}

variable "github_api_url" {
  description = "Address of GitHub's REST API, for GitHub Enterprise Server, e.g. https://github.example.com/api/v3. Leave it out for github.com."
  type        = string
  default     = "https://api.github.com"

  validation {
    condition     = can(regex("^https://[^/?#]+(/[^?#]*[^/?#])?$", var.github_api_url))
    error_message = "github_api_url must be an https URL without trailing slash, e.g. github_api_url = \"https://github.example.com/api/v3\"; leave it out for github.com."
  }

  validation {
    condition     = (var.github_url == "https://github.com") == (var.github_api_url == "https://api.github.com")
    error_message = "github_url and github_api_url go together: set both for GitHub Enterprise Server, e.g. github_api_url = \"https://github.example.com/api/v3\", or neither."
  }
}

variable "github_scopes" {
  description = "What tools may do at GitHub in the person's name, as scopes of GitHub, e.g. [\"repo\"]. The consent page says it. Empty asks for nothing but what the rules of allow need."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for scope in var.github_scopes : can(regex("^[a-z][a-z_]{0,31}(:[a-z_]{1,32})?$", scope))])
    error_message = "github_scopes has an entry that is no scope of GitHub, e.g. github_scopes = [\"repo\"]."
  }
}

variable "allow" {
  description = "Who may enter: a list of user:LOGIN, user-id:ID, email:ADDRESS, email-domain:DOMAIN, org:NAME, team:ORG/TEAM, group:NAME, claim:NAME=VALUE, or the word anyone. A comma within one is written %2C. There is no default: nothing said means nobody."
  type        = list(string)

  validation {
    condition     = length(var.allow) > 0
    error_message = "allow is empty, so nobody could enter: say who may, e.g. allow = [\"user:octocat\", \"org:acme\"], or allow = [\"anyone\"]."
  }

  validation {
    condition = alltrue([for rule in var.allow : can(regex(
      "^(anyone|user:[A-Za-z0-9_][A-Za-z0-9._@+-]*|user-id:[!-+--~]+|email:[^@, ]+@([a-z0-9-]+\\.)+[a-z0-9-]+|email-domain:(\\*\\.)?([a-z0-9-]+\\.)+[a-z0-9-]+|org:[A-Za-z0-9-]+|team:[A-Za-z0-9-]+/[A-Za-z0-9._-]+|group:[^,]+|claim:[^=,]+=[^,]+)$", rule
    ))])
    error_message = "allow has an entry that is none of user:octocat, user-id:583231, email:a@example.com, email-domain:example.com, org:acme, team:acme/ops, group:ops, claim:department=ops, anyone; e.g. allow = [\"org:acme\", \"user:octocat\"]."
  }

  validation {
    condition     = var.identity_provider == "github" ? !anytrue([for rule in var.allow : can(regex("^(group|claim):", rule))]) : !anytrue([for rule in var.allow : can(regex("^(org|team):", rule))])
    error_message = "allow has an entry that the identity_provider can never answer: GitHub has org:acme and team:acme/ops, OpenID Connect providers have group:ops and claim:department=ops."
  }
}

variable "operator_contact" {
  description = "Whom people ask who may not enter, e.g. \"ops@example.com\" or \"https://example.com/access\". It stands on the page that turns them away. Null names nobody."
  type        = string
  default     = null

  validation {
    condition     = var.operator_contact == null || can(regex("^([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*|https://[^[:space:]@]+)$", var.operator_contact))
    error_message = "operator_contact is neither an e-mail address nor an https URL, e.g. operator_contact = \"ops@example.com\"."
  }
}

variable "look" {
  description = "How pages look and what stands on them (docs/pages.md): what people call the server, a PNG or SVG of up to 4096 bytes, the colour of links and buttons, whom to ask for help, and where privacy policy and terms are, e.g. { name = \"Acme Tools\", logo_file = \"logo.svg\", accent_color = \"#1a56c4\", support_contact = \"help@example.com\" }. What is left out is plain."
  type = object({
    name            = optional(string)
    logo_file       = optional(string)
    accent_color    = optional(string)
    support_contact = optional(string)
    privacy_url     = optional(string)
    terms_url       = optional(string)
  })
  default = {}

  validation {
    condition     = var.look.name == null || can(regex("^[^[:cntrl:]]{1,60}$", var.look.name))
    error_message = "look.name must be 1 to 60 characters on one line, e.g. look = { name = \"Acme Tools\" }."
  }

  validation {
    condition     = var.look.logo_file == null || try(length(filebase64(var.look.logo_file)) <= 5464 && can(regex("[.](svg|png)$", var.look.logo_file)), false)
    error_message = "look.logo_file must be a .svg or .png file of at most 4096 bytes, relative to where terraform runs, e.g. look = { logo_file = \"logo.svg\" }."
  }

  validation {
    condition     = var.look.accent_color == null || can(regex("^#[0-9A-Fa-f]{6}$", var.look.accent_color))
    error_message = "look.accent_color must be a colour in six hexadecimal digits, e.g. look = { accent_color = \"#1a56c4\" }."
  }

  validation {
    condition     = var.look.support_contact == null || can(regex("^([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*|https://[^[:space:]@]+)$", var.look.support_contact))
    error_message = "look.support_contact is neither an e-mail address nor an https URL, e.g. look = { support_contact = \"help@example.com\" }."
  }

  validation {
    condition     = alltrue([for u in [var.look.privacy_url, var.look.terms_url] : u == null || can(regex("^https://[^[:space:]@]+$", u))])
    error_message = "look.privacy_url and look.terms_url must be https URLs, e.g. look = { privacy_url = \"https://example.com/privacy\" }."
  }
}

variable "cimd_allow" {
  description = "Hosts whose client ID metadata documents are read, e.g. [\"claude.ai\", \"chatgpt.com\"], or [\"none\"]. Empty reads everybody's."
  type        = list(string)
  default     = []

  validation {
    condition = var.cimd_allow == tolist(["none"]) || alltrue([for host in var.cimd_allow :
      can(regex("^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?[.])+[a-z]([a-z0-9_-]*[a-z0-9_])?$", host))
    ])
    error_message = "cimd_allow has an entry that is no host in lower case, e.g. cimd_allow = [\"claude.ai\", \"vscode.dev\"]; [\"none\"] turns documents off."
  }
}

variable "redirect_schemes" {
  description = "Schemes of apps that redirect URIs may have, beside https and http on loopback, e.g. [\"cursor\", \"com.example.app\"], or [\"none\"]. Empty takes every scheme that is an app's own."
  type        = list(string)
  default     = []

  validation {
    condition = var.redirect_schemes == tolist(["none"]) || alltrue([for scheme in var.redirect_schemes :
      can(regex("^[a-z][a-z0-9+-]+([.][a-z0-9+-]+)*$", scheme)) && !contains(["none", "http", "https", "javascript", "data", "file"], scheme)
    ])
    error_message = "redirect_schemes has an entry that is no app's scheme in lower case without its colon, e.g. redirect_schemes = [\"cursor\", \"com.example.app\"]; [\"none\"] leaves https and loopback."
  }
}

variable "scopes" {
  description = "Scopes that your tools ask for beside mcp, e.g. [{ name = \"admin\", words = \"delete what was kept\" }]. words stand on the consent page; default ones are granted to a client that asks for nothing; advertised ones, and default ones, stand in the metadata. Others are granted only when asked for."
  type = list(object({
    name       = string
    words      = string
    default    = optional(bool, false)
    advertised = optional(bool, false)
  }))
  default = []

  validation {
    condition = length(distinct(var.scopes[*].name)) == length(var.scopes) && alltrue([for s in var.scopes :
      can(regex("^[!#-\\[\\]-~]{1,64}$", s.name)) && !contains(["mcp", "offline_access", "openid", "profile", "email", "address", "phone"], s.name) && can(regex("^[^[:cntrl:]]{1,200}$", s.words))
    ])
    error_message = "scopes has a name that is no scope token, is taken or is there twice, or lacks words, e.g. scopes = [{ name = \"admin\", words = \"delete what was kept\" }]."
  }
}

variable "openai_apps_challenge" {
  description = "Text that OpenAI shows when an app is submitted to ChatGPT's directory; /.well-known/openai-apps-challenge answers it. Null serves none."
  type        = string
  default     = null

  validation {
    condition     = var.openai_apps_challenge == null || can(regex("^[!-~]{1,512}$", var.openai_apps_challenge))
    error_message = "openai_apps_challenge must be the text alone, up to 512 characters without spaces, e.g. openai_apps_challenge = \"8t0fMl4QrJ2yXw7v\", or be left out."
  }
}

variable "offline_access" {
  description = "Whether a client that registered for authorization_code alone gets a refresh token when it asks for the scope offline_access. Others get one either way."
  type        = bool
  default     = true
}

variable "gateway_region" {
  description = "Region of API Gateway, which is not offered everywhere, e.g. europe-west1. Null means the region of the functions."
  type        = string
  default     = null

  validation {
    condition     = var.gateway_region == null || can(regex("^[a-z]+-[a-z]+[0-9]+$", var.gateway_region))
    error_message = "gateway_region must be a region with API Gateway, e.g. gateway_region = \"europe-west1\", or be left out."
  }
}

variable "firestore_location" {
  description = "Location of the Firestore database, a region or a multi-region, e.g. europe-west1 or eur3. It cannot change later. Null means the region of the functions, which answers fastest."
  type        = string
  default     = null

  validation {
    condition     = var.firestore_location == null || can(regex("^([a-z]+-[a-z]+[0-9]+|nam[0-9]+|eur[0-9]+)$", var.firestore_location))
    error_message = "firestore_location must be a Firestore location, e.g. firestore_location = \"europe-west1\" or \"eur3\", or be left out."
  }
}

variable "database" {
  description = "Id of the Firestore database that is created, e.g. postern. Null is name_prefix."
  type        = string
  default     = null

  validation {
    condition     = var.database == null || var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "database must be 4 to 63 lower-case letters, digits and hyphens, e.g. database = \"postern\", or \"(default)\"."
  }
}

variable "restored_database" {
  description = "Id of a Firestore database in the same location that was restored from a backup or an export, e.g. postern-restored. It is used instead of database, which stays as it is. Null uses database."
  type        = string
  default     = null

  validation {
    condition     = var.restored_database == null || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.restored_database))
    error_message = "restored_database must be the id of a database, 4 to 63 lower-case letters, digits and hyphens, e.g. restored_database = \"postern-restored\", or be left out."
  }

  validation {
    condition     = var.restored_database == null || var.restored_database != local.database
    error_message = "restored_database is database itself: leave it out, or name the one that was restored beside it, e.g. restored_database = \"postern-restored\"."
  }
}

variable "backup_days" {
  description = "Days that a daily backup of the database is kept, at most 98. 0 makes none. Costs storage."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 0 && var.backup_days <= 98 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days must be a whole number from 0 to 98 (fourteen weeks), e.g. backup_days = 7."
  }
}

variable "delete_protection" {
  description = "Refuse to delete the database and the secrets. Set it to false and apply before terraform destroy."
  type        = bool
  default     = true
}

variable "grants_take" {
  description = "Seconds to wait between granting a role and what needs it, when something is granted. Google says two minutes, sometimes seven or more."
  type        = number
  default     = 120

  validation {
    condition     = var.grants_take >= 0 && var.grants_take <= 1800 && floor(var.grants_take) == var.grants_take
    error_message = "grants_take must be a whole number of seconds from 0 to 1800, e.g. grants_take = 120."
  }
}

variable "point_in_time_recovery" {
  description = "Keep seven days of versions of every document, to read and restore from. Costs storage."
  type        = bool
  default     = false
}

variable "packages_dir" {
  description = "Directory with one zip per function and VERSION, as make package writes them, relative to where terraform runs, e.g. ../dist."
  type        = string
  default     = "../dist"

  validation {
    condition     = alltrue([for f in concat(["VERSION"], formatlist("%s.zip", local.function_names)) : fileexists("${var.packages_dir}/${f}")])
    error_message = "packages_dir lacks a function's zip (${join(", ", local.function_names)}) or VERSION: run make package first, or say where they are, e.g. packages_dir = \"../dist\"."
  }
}

variable "own_tools" {
  description = "mcp.zip has a package of tools of your own in it (make package TOOLS=DIR, docs/tools.md)."
  type        = bool
  default     = false
}

variable "mcp_upstream_url" {
  description = "URL of the MCP server behind this one, e.g. https://wiki.example.com/mcp; /mcp is then the way to it (docs/upstream.md). Null serves the tools of mcp.zip."
  type        = string
  default     = null

  validation {
    condition     = var.mcp_upstream_url == null || can(regex("^https://[^/?#@[:space:]]+(/[^?#[:space:]]*[^/?#[:space:]])?$", var.mcp_upstream_url))
    error_message = "mcp_upstream_url must be an https URL without query or trailing slash, e.g. mcp_upstream_url = \"https://wiki.example.com/mcp\", or be left out."
  }

  validation {
    condition     = var.mcp_upstream_url == null || !var.own_tools
    error_message = "mcp_upstream_url and own_tools both say what /mcp serves: leave one of them out."
  }
}

variable "mcp_upstream_options" {
  description = "How the server of mcp_upstream_url is called and what of it may be used, e.g. { identity = \"headers\" } (docs/upstream.md). The value of credential is in an own secret of the project, named by its id."
  type = object({
    identity = optional(string)
    credential = optional(object({
      header = string
      secret = string
    }))
    provider_token = optional(string)
    cloud_run      = optional(string)
    groups         = optional(list(string))
    tools = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
    prompts = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
    resources = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
  })
  default = null

  validation {
    condition     = var.mcp_upstream_options == null || var.mcp_upstream_url != null
    error_message = "mcp_upstream_options is about the server of mcp_upstream_url: set that too, or leave it out."
  }

  validation {
    condition     = var.mcp_upstream_options == null ? true : contains(["jwt", "headers", "none"], coalesce(var.mcp_upstream_options.identity, "jwt"))
    error_message = "mcp_upstream_options needs jwt, headers or none as identity, e.g. { identity = \"headers\" }."
  }
}

variable "mcp_upstreams" {
  description = "MCP servers behind this one beside /mcp, by name: each is a resource of its own at /mcp/NAME, e.g. { wiki = { url = \"https://wiki.example.com/mcp\" } } (docs/upstream.md). scopes are what it asks for beside mcp, as in var.scopes; the rest is as in mcp_upstream_options."
  type = map(object({
    url   = string
    title = optional(string)
    scopes = optional(list(object({
      name       = string
      words      = string
      default    = optional(bool, false)
      advertised = optional(bool, false)
    })))
    identity = optional(string)
    credential = optional(object({
      header = string
      secret = string
    }))
    provider_token = optional(string)
    cloud_run      = optional(string)
    groups         = optional(list(string))
    tools = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
    prompts = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
    resources = optional(object({
      allow = optional(list(string))
      deny  = optional(list(string))
      need = optional(list(object({
        match = list(string)
        scope = optional(string)
        group = optional(string)
      })))
    }))
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.mcp_upstreams) : can(regex("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", name))])
    error_message = "mcp_upstreams has a name that is not 1 to 32 lower-case letters, digits and hyphens, e.g. { wiki = { url = \"https://wiki.example.com/mcp\" } }."
  }

  validation {
    condition     = alltrue([for u in values(var.mcp_upstreams) : can(regex("^https://[^/?#@[:space:]]+(/[^?#[:space:]]*[^/?#[:space:]])?$", u.url))])
    error_message = "mcp_upstreams needs https URLs without query or trailing slash, e.g. { wiki = { url = \"https://wiki.example.com/mcp\" } }."
  }

  validation {
    condition     = alltrue([for u in values(var.mcp_upstreams) : contains(["jwt", "headers", "none"], coalesce(u.identity, "jwt"))])
    error_message = "mcp_upstreams needs jwt, headers or none as identity, e.g. { wiki = { url = \"https://wiki.example.com/mcp\", identity = \"headers\" } }."
  }

  validation {
    condition     = length(var.mcp_upstreams) <= 64
    error_message = "mcp_upstreams has at most 64 entries."
  }
}

variable "instances" {
  description = "Fewest and most instances per function, e.g. { mcp = { min = 1, max = 20 } }. Default 0 and 10; min = 1 removes most cold starts for about 10 USD a month each."
  type = map(object({
    min = optional(number, 0)
    max = optional(number, 10)
  }))
  default = {}

  validation {
    condition     = alltrue([for f in keys(var.instances) : contains(local.function_names, f)])
    error_message = "instances names a function that does not exist: the names are ${join(", ", local.function_names)}, e.g. instances = { mcp = { min = 1 } }."
  }

  validation {
    condition     = alltrue([for i in values(var.instances) : i.min >= 0 && i.max >= 1 && i.min <= i.max && i.max <= 1000])
    error_message = "instances needs 0 <= min <= max and 1 <= max <= 1000, e.g. instances = { mcp = { min = 1, max = 20 } }."
  }
}

variable "lifetimes" {
  description = "How long things are good, by the name of the setting, as Go durations, e.g. { GRANT_TTL = \"720h\" }. What is left out keeps the default of docs/configuration.md."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for k in keys(var.lifetimes) : contains([
      "ACCESS_TOKEN_TTL", "GRANT_TTL", "CODE_TTL", "SIGN_IN_TTL", "REFRESH_GRACE",
      "REVOCATION_MAX_AGE", "MEMBERSHIP_TTL", "EVIDENCE_MAX_AGE", "CLIENT_UNUSED_TTL", "IDENTITY_TOKEN_TTL",
    ], k)])
    error_message = "lifetimes takes ACCESS_TOKEN_TTL, GRANT_TTL, CODE_TTL, SIGN_IN_TTL, REFRESH_GRACE, REVOCATION_MAX_AGE, MEMBERSHIP_TTL, EVIDENCE_MAX_AGE, CLIENT_UNUSED_TTL, IDENTITY_TOKEN_TTL, e.g. lifetimes = { GRANT_TTL = \"720h\" }."
  }

  validation {
    condition     = alltrue([for v in values(var.lifetimes) : can(regex("^(0|([0-9]+h)?([0-9]+m)?([0-9]+s)?)$", v)) && v != ""])
    error_message = "lifetimes has a value that is no duration in hours, minutes and seconds, e.g. lifetimes = { GRANT_TTL = \"720h\", REFRESH_GRACE = \"90s\" } (there is no unit for days)."
  }

  # The limits of docs/configuration.md, in seconds; zero is one where it has a
  # meaning. A function checks them too, but only when it is deployed.
  validation {
    condition = alltrue([for k, v in var.lifetimes : try(
      anytrue([for limit in [{
        ACCESS_TOKEN_TTL   = [1, 86400]
        GRANT_TTL          = [1, 157680000]
        CODE_TTL           = [1, 600]
        SIGN_IN_TTL        = [1, 3600]
        REFRESH_GRACE      = [0, 3600]
        REVOCATION_MAX_AGE = [0, 3600]
        MEMBERSHIP_TTL     = [0, 2592000]
        EVIDENCE_MAX_AGE   = [0, 31536000]
        CLIENT_UNUSED_TTL  = [1, 157680000]
        IDENTITY_TOKEN_TTL = [1, 300]
        }[k]] :
        sum(concat([0], [for part in regexall("([0-9]+)([hms])", v) : tonumber(part[0]) * { h = 3600, m = 60, s = 1 }[part[1]]])) >= limit[0] &&
        sum(concat([0], [for part in regexall("([0-9]+)([hms])", v) : tonumber(part[0]) * { h = 3600, m = 60, s = 1 }[part[1]]])) <= limit[1]
      ]), true)
    ])
    error_message = "lifetimes has a value outside its limits (docs/configuration.md lists them): CODE_TTL at most 10m, ACCESS_TOKEN_TTL at most 24h, GRANT_TTL at most 43800h, and 0 only for REFRESH_GRACE, REVOCATION_MAX_AGE, MEMBERSHIP_TTL and EVIDENCE_MAX_AGE."
  }
}

variable "forwarded_for_hops" {
  description = "Which entry of X-Forwarded-For, from the right, is the client's address, for requests to the gateway's own host. Null is 2: the gateway adds one and the platform another. What comes through custom_domain needs no counting."
  type        = number
  default     = null

  validation {
    condition     = var.forwarded_for_hops == null || try(var.forwarded_for_hops >= 0 && var.forwarded_for_hops <= 16 && floor(var.forwarded_for_hops) == var.forwarded_for_hops, false)
    error_message = "forwarded_for_hops must be a whole number from 0 to 16, e.g. forwarded_for_hops = 2, or be left out."
  }
}

variable "log_level" {
  description = "Least severe line that is logged: debug, info, warn or error."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level must be debug, info, warn or error, e.g. log_level = \"info\"."
  }
}

variable "otel" {
  description = "OpenTelemetry's variables for traces and metrics, of all functions but wellknown, e.g. { OTEL_EXPORTER_OTLP_ENDPOINT = \"https://otlp.example.com\" } (docs/operations.md has a collector). Empty sends nothing. The credential of a collector is in otel_headers_secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.otel) : can(regex("^OTEL_[A-Z_]+$", name))])
    error_message = "otel takes variables that begin with OTEL_, e.g. otel = { OTEL_EXPORTER_OTLP_ENDPOINT = \"https://otlp.example.com\" }."
  }

  validation {
    condition     = alltrue([for name in keys(var.otel) : !can(regex("(HEADERS|KEY|CERTIFICATE)$", name))])
    error_message = "otel has a variable for a credential or a file: what is here is in the state. Put the headers into a secret and name it in otel_headers_secret."
  }

  validation {
    condition     = alltrue([for name, value in var.otel : !endswith(name, "_ENDPOINT") || can(regex("^https://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$", value))])
    error_message = "otel has an endpoint that is not an https URL without credentials and query, e.g. otel = { OTEL_EXPORTER_OTLP_ENDPOINT = \"https://otlp.example.com\" }."
  }

  validation {
    condition     = alltrue([for name, value in var.otel : !endswith(name, "_PROTOCOL") || value == "http/protobuf"])
    error_message = "otel has a protocol other than http/protobuf, which is the only one: leave it out."
  }

  validation {
    condition     = length(var.otel) == 0 || anytrue([for name in keys(var.otel) : endswith(name, "_ENDPOINT")])
    error_message = "otel names no collector: set OTEL_EXPORTER_OTLP_ENDPOINT, e.g. otel = { OTEL_EXPORTER_OTLP_ENDPOINT = \"https://otlp.example.com\" }."
  }
}

variable "otel_headers_secret" {
  description = "Id of a secret of the project with the value of OTEL_EXPORTER_OTLP_HEADERS, e.g. otel-headers, for a collector that asks for a credential. You make it; its newest version counts when an instance starts. Null sends none."
  type        = string
  default     = null

  validation {
    condition     = var.otel_headers_secret == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.otel_headers_secret))
    error_message = "otel_headers_secret must be the id of a secret, not its path and not the headers themselves, e.g. otel_headers_secret = \"otel-headers\"."
  }

  validation {
    condition     = var.otel_headers_secret == null || length(var.otel) > 0
    error_message = "otel_headers_secret is set and otel is empty: name the collector there, or leave both out."
  }
}

variable "alert_emails" {
  description = "Addresses that alerts are sent to, e.g. [\"ops@example.com\"]. Without any, alerts only show in Cloud Monitoring."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for a in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", a))])
    error_message = "alert_emails must be e-mail addresses, e.g. alert_emails = [\"ops@example.com\"]."
  }
}

variable "uptime_check" {
  description = "Let Cloud Monitoring ask every five minutes, from several continents, whether public_origin answers, and alert when it does not. Without cost; it keeps wellknown warm."
  type        = bool
  default     = true
}

variable "budget" {
  description = "Mails the payers of the billing account when half, nine tenths and all of a monthly amount is spent, e.g. { billing_account = \"0123AB-4567CD-89EF01\", amount = 50 }, in the account's currency. It needs the right to make budgets there. Null makes none."
  type = object({
    billing_account = string
    amount          = number
  })
  default = null

  validation {
    condition     = var.budget == null || try(can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)) && var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount, false)
    error_message = "budget needs a billing account (gcloud billing accounts list) and a whole amount, e.g. budget = { billing_account = \"0123AB-4567CD-89EF01\", amount = 50 }, or to be left out."
  }
}
