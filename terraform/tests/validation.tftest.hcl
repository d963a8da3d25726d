# Every validation refuses a bad value: at least one run per condition in
# variables.tf. tests/inputs is that file with the names that it uses (links to
# them), so that a run plans no resources. That good values pass is said in
# wiring.tftest.hcl.

mock_provider "google" {}

mock_provider "google-beta" {}

variables {
  project          = "acme-mcp"
  region           = "europe-west1"
  public_origin    = "https://auth.example.com"
  github_client_id = "Ov23liAbCdEf0123456"
  allow            = ["org:acme"]
}

run "project_refuses_a_number" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    project = "123456789012"
  }

  expect_failures = [var.project]
}

run "project_refuses_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    project = "Acme-MCP"
  }

  expect_failures = [var.project]
}

run "project_refuses_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    project = "acme"
  }

  expect_failures = [var.project]
}

run "region_refuses_a_zone" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    region = "europe-west1-b"
  }

  expect_failures = [var.region]
}

run "region_refuses_empty" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    region = ""
  }

  expect_failures = [var.region]
}

run "public_origin_refuses_a_trailing_slash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "https://auth.example.com/"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_a_path" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "https://auth.example.com/mcp"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_plain_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "http://auth.example.com"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "https://Auth.example.com"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "https://auth.example.com:8443"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_no_scheme" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "auth.example.com"
  }

  expect_failures = [var.public_origin]
}

run "public_origin_refuses_one_label" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    public_origin = "https://localhost"
  }

  expect_failures = [var.public_origin]
}

run "custom_domain_refuses_the_gateways_host" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    custom_domain = true
    public_origin = "https://postern-0abc1def.ew.gateway.dev"
  }

  expect_failures = [var.custom_domain]
}

run "custom_domain_refuses_the_placeholder" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    custom_domain = true
    public_origin = "https://first-apply.invalid"
  }

  expect_failures = [var.custom_domain]
}

run "github_client_id_refuses_empty" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_client_id = ""
  }

  expect_failures = [var.github_client_id]
}

run "github_client_id_refuses_the_secret" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_client_id = "0123456789abcdef0123456789abcdef01234567"
  }

  expect_failures = [var.github_client_id]
}

run "github_client_id_refuses_none_with_github" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_client_id = null
  }

  expect_failures = [var.github_client_id]
}

run "github_client_id_refuses_one_without_github" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc:google"
    oidc_client_id    = "postern"
    allow             = ["anyone"]
  }

  expect_failures = [var.github_client_id]
}

run "identity_provider_refuses_an_unknown_product" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc:acme"
    github_client_id  = null
    oidc_client_id    = "postern"
    oidc_issuer       = "https://id.example.com"
    allow             = ["anyone"]
  }

  expect_failures = [var.identity_provider]
}

run "oidc_issuer_refuses_plain_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc"
    github_client_id  = null
    oidc_client_id    = "postern"
    oidc_issuer       = "http://id.example.com"
    allow             = ["anyone"]
  }

  expect_failures = [var.oidc_issuer]
}

run "oidc_issuer_refuses_none_where_there_is_none" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc:okta"
    github_client_id  = null
    oidc_client_id    = "postern"
    allow             = ["anyone"]
  }

  expect_failures = [var.oidc_issuer]
}

run "oidc_client_id_refuses_none_with_oidc" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc:google"
    github_client_id  = null
    allow             = ["anyone"]
  }

  expect_failures = [var.oidc_client_id]
}

run "oidc_client_id_refuses_one_with_github" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    oidc_client_id = "postern"
  }

  expect_failures = [var.oidc_client_id]
}

run "oidc_refuses_an_unknown_client_auth" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    oidc = { client_auth = "tls_client_auth" }
  }

  expect_failures = [var.oidc]
}

run "oidc_refuses_a_tenants_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    oidc = { tenants = ["acme.onmicrosoft.com"] }
  }

  expect_failures = [var.oidc]
}

run "oidc_refuses_scopes_in_one_text" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    oidc = { scopes = ["roles groups"] }
  }

  expect_failures = [var.oidc]
}

run "allow_refuses_groups_of_github" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    allow = ["group:ops"]
  }

  expect_failures = [var.allow]
}

run "allow_refuses_organisations_of_others" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    identity_provider = "oidc:google"
    github_client_id  = null
    oidc_client_id    = "postern"
    allow             = ["org:acme"]
  }

  expect_failures = [var.allow]
}

run "github_url_refuses_a_trailing_slash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_url     = "https://github.example.com/"
    github_api_url = "https://github.example.com/api/v3"
  }

  expect_failures = [var.github_url]
}

run "github_url_refuses_plain_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_url     = "http://github.example.com"
    github_api_url = "https://github.example.com/api/v3"
  }

  expect_failures = [var.github_url]
}

run "github_api_url_refuses_a_trailing_slash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_api_url = "https://github.example.com/api/v3/"
    github_url     = "https://github.example.com"
  }

  expect_failures = [var.github_api_url]
}

run "restored_database_refuses_the_first_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    restored_database = "postern"
  }

  expect_failures = [var.restored_database]
}

run "restored_database_refuses_a_path" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    restored_database = "projects/acme-mcp/databases/x"
  }

  expect_failures = [var.restored_database]
}

run "budget_refuses_what_is_no_billing_account" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    budget = { billing_account = "acme", amount = 50 }
  }

  expect_failures = [var.budget]
}

run "backup_days_refuses_what_firestore_does" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    backup_days = 99
  }

  expect_failures = [var.backup_days]
}

run "dns_zone_refuses_a_domain" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    dns_zone      = "example.com"
    custom_domain = true
  }

  expect_failures = [var.dns_zone]
}

run "dns_zone_needs_a_domain" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    dns_zone = "acme-dns/example-com"
  }

  expect_failures = [var.dns_zone]
}

run "certificate_first_needs_a_domain" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    certificate_first = true
  }

  expect_failures = [var.certificate_first]
}

run "grants_take_refuses_less_than_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    grants_take = -1
  }

  expect_failures = [var.grants_take]
}

run "github_api_url_refuses_one_without_the_other" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_api_url = "https://github.example.com/api/v3"
  }

  expect_failures = [var.github_api_url]
}

run "cimd_allow_refuses_a_url" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cimd_allow = ["https://claude.ai"]
  }

  expect_failures = [var.cimd_allow]
}

run "github_scopes_refuse_what_is_no_scope" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    github_scopes = ["repo", "read my repositories"]
  }

  expect_failures = [var.github_scopes]
}

run "scopes_refuse_a_name_that_is_taken" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    scopes = [{ name = "profile", words = "read your profile" }]
  }

  expect_failures = [var.scopes]
}

run "openai_apps_challenge_refuses_a_line" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    openai_apps_challenge = "8t0fMl4QrJ2yXw7v is the text"
  }

  expect_failures = [var.openai_apps_challenge]
}

run "redirect_schemes_refuses_a_uri" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    redirect_schemes = ["cursor://"]
  }

  expect_failures = [var.redirect_schemes]
}

run "redirect_schemes_refuses_a_script" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    redirect_schemes = ["javascript"]
  }

  expect_failures = [var.redirect_schemes]
}

run "redirect_schemes_refuses_none_among_schemes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    redirect_schemes = ["none", "cursor"]
  }

  expect_failures = [var.redirect_schemes]
}

run "operator_contact_refuses_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    operator_contact = "the operator"
  }

  expect_failures = [var.operator_contact]
}

run "look_name_refuses_a_second_line" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    look = { name = "Acme\nTools" }
  }

  expect_failures = [var.look]
}

run "look_logo_refuses_a_file_that_is_not_there" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    look = { logo_file = "no/such/logo.svg" }
  }

  expect_failures = [var.look]
}

run "look_accent_refuses_a_word" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    look = { accent_color = "blue" }
  }

  expect_failures = [var.look]
}

run "look_support_refuses_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    look = { support_contact = "the help desk" }
  }

  expect_failures = [var.look]
}

run "look_privacy_refuses_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    look = { privacy_url = "http://example.com/privacy" }
  }

  expect_failures = [var.look]
}

run "cimd_allow_refuses_none_among_hosts" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cimd_allow = ["none", "claude.ai"]
  }

  expect_failures = [var.cimd_allow]
}

run "allow_refuses_nobody" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    allow = []
  }

  expect_failures = [var.allow]
}

run "allow_refuses_a_bare_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    allow = ["octocat"]
  }

  expect_failures = [var.allow]
}

run "allow_refuses_a_team_without_organisation" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    allow = ["team:ops"]
  }

  expect_failures = [var.allow]
}

run "allow_refuses_one_bad_among_good" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    allow = ["org:acme", "email-domain:@example.com"]
  }

  expect_failures = [var.allow]
}

run "front_refuses_what_it_is_not" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    custom_domain = true
    front         = "nginx"
  }

  expect_failures = [var.front]
}

run "front_refuses_a_load_balancer_without_a_domain" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    front = "load-balancer"
  }

  expect_failures = [var.front]
}

run "security_policy_refuses_a_link" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    custom_domain   = true
    security_policy = "projects/acme-mcp/global/securityPolicies/edge"
  }

  expect_failures = [var.security_policy]
}

run "security_policy_refuses_to_be_without_a_load_balancer" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    security_policy = "acme-edge"
  }

  expect_failures = [var.security_policy]
}

run "gateway_region_refuses_a_zone" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    gateway_region = "europe-west1-b"
  }

  expect_failures = [var.gateway_region]
}

run "firestore_location_refuses_a_continent" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    firestore_location = "europe"
  }

  expect_failures = [var.firestore_location]
}

run "database_refuses_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    database = "db"
  }

  expect_failures = [var.database]
}

run "database_refuses_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    database = "Postern"
  }

  expect_failures = [var.database]
}

run "packages_dir_refuses_an_empty_directory" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    packages_dir = "tests"
  }

  expect_failures = [var.packages_dir]
}

run "instances_refuses_an_unknown_function" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    instances = { tokens = { min = 1 } }
  }

  expect_failures = [var.instances]
}

run "instances_refuses_min_above_max" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    instances = { token = { min = 5, max = 2 } }
  }

  expect_failures = [var.instances]
}

run "instances_refuses_none_at_all" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    instances = { token = { max = 0 } }
  }

  expect_failures = [var.instances]
}

run "instances_refuses_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    instances = { token = { min = -1 } }
  }

  expect_failures = [var.instances]
}

run "lifetimes_refuses_an_unknown_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { TOKEN_TTL = "1h" }
  }

  expect_failures = [var.lifetimes]
}

run "lifetimes_refuses_days" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { GRANT_TTL = "30d" }
  }

  expect_failures = [var.lifetimes]
}

run "lifetimes_refuses_empty" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { GRANT_TTL = "" }
  }

  expect_failures = [var.lifetimes]
}

run "lifetimes_refuses_a_bare_number" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { GRANT_TTL = "90" }
  }

  expect_failures = [var.lifetimes]
}

run "lifetimes_refuses_above_its_limit" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { CODE_TTL = "10m1s" }
  }

  expect_failures = [var.lifetimes]
}

run "lifetimes_refuses_zero_where_it_means_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    lifetimes = { ACCESS_TOKEN_TTL = "0s" }
  }

  expect_failures = [var.lifetimes]
}

run "forwarded_for_hops_refuses_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    forwarded_for_hops = -1
  }

  expect_failures = [var.forwarded_for_hops]
}

run "forwarded_for_hops_refuses_a_fraction" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    forwarded_for_hops = 1.5
  }

  expect_failures = [var.forwarded_for_hops]
}

run "forwarded_for_hops_refuses_too_many" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    forwarded_for_hops = 17
  }

  expect_failures = [var.forwarded_for_hops]
}

run "log_level_refuses_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    log_level = "INFO"
  }

  expect_failures = [var.log_level]
}

run "alert_emails_refuses_no_address" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    alert_emails = ["ops"]
  }

  expect_failures = [var.alert_emails]
}

run "mcp_upstreams_refuse_a_name_with_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    mcp_upstreams = { Wiki = { url = "https://wiki.example.com/mcp" } }
  }

  expect_failures = [var.mcp_upstreams]
}

run "mcp_upstreams_refuse_plain_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    mcp_upstreams = { wiki = { url = "http://wiki.example.com/mcp" } }
  }

  expect_failures = [var.mcp_upstreams]
}

run "mcp_upstreams_refuse_more_than_64" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    # Written out, since OpenTofu has no functions here.
    mcp_upstreams = { for i in [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
      44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
    ] : "wiki-${i}" => { url = "https://wiki.example.com/mcp" } }
  }

  expect_failures = [var.mcp_upstreams]
}

run "otel_refuses_what_is_not_opentelemetrys" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel = { OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com", LOG_LEVEL = "debug" }
  }

  expect_failures = [var.otel]
}

run "otel_refuses_a_credential" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel = { OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com", OTEL_EXPORTER_OTLP_HEADERS = "a=b" }
  }

  expect_failures = [var.otel]
}

run "otel_refuses_plain_http" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel = { OTEL_EXPORTER_OTLP_ENDPOINT = "http://otlp.example.com" }
  }

  expect_failures = [var.otel]
}

run "otel_refuses_grpc" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel = { OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com", OTEL_EXPORTER_OTLP_PROTOCOL = "grpc" }
  }

  expect_failures = [var.otel]
}

run "otel_refuses_no_collector" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel = { OTEL_TRACES_SAMPLER = "always_on" }
  }

  expect_failures = [var.otel]
}

run "otel_headers_secret_refuses_headers" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel                = { OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com" }
    otel_headers_secret = "Authorization=Bearer%20x"
  }

  expect_failures = [var.otel_headers_secret]
}

run "otel_headers_secret_refuses_to_be_alone" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    otel_headers_secret = "otel-headers"
  }

  expect_failures = [var.otel_headers_secret]
}

run "mcp_upstreams_refuse_an_identity_that_there_is_not" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    mcp_upstreams = { wiki = { url = "https://wiki.example.com/mcp", identity = "basic" } }
  }

  expect_failures = [var.mcp_upstreams]
}

run "mcp_upstream_options_need_a_server" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    mcp_upstream_options = { identity = "headers" }
  }

  expect_failures = [var.mcp_upstream_options]
}

run "mcp_upstream_options_refuse_an_identity_that_there_is_not" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    mcp_upstream_url     = "https://wiki.example.com/mcp"
    mcp_upstream_options = { identity = "basic" }
  }

  expect_failures = [var.mcp_upstream_options]
}

run "name_prefix_refuses_a_hyphen" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name_prefix = "acme-mcp"
  }

  expect_failures = [var.name_prefix]
}

run "labels_refuse_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    labels = { Team = "Ops" }
  }

  expect_failures = [var.labels]
}

run "labels_refuse_our_own" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    labels = { app = "mcp" }
  }

  expect_failures = [var.labels]
}

run "secret_locations_refuse_a_zone" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    secret_locations = ["europe-west1-b"]
  }

  expect_failures = [var.secret_locations]
}

run "egress_refuses_half_a_network" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    egress = { network = "default" }
  }

  expect_failures = [var.egress]
}

run "egress_refuses_a_link" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    egress = { network = "projects/acme-mcp/global/networks/default", subnetwork = "default" }
  }

  expect_failures = [var.egress]
}

run "kms_key_refuses_a_version" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    kms_key = "projects/acme-keys/locations/europe-west1/keyRings/postern/cryptoKeys/postern/cryptoKeyVersions/1"
  }

  expect_failures = [var.kms_key]
}

run "kms_key_refuses_another_region" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    kms_key = "projects/acme-keys/locations/global/keyRings/postern/cryptoKeys/postern"
  }

  expect_failures = [var.kms_key]
}

run "kms_key_refuses_a_database_elsewhere" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    kms_key            = "projects/acme-keys/locations/europe-west1/keyRings/postern/cryptoKeys/postern"
    firestore_location = "eur3"
  }

  expect_failures = [var.kms_key]
}
