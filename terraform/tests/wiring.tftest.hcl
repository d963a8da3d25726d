# The whole deployment, applied to mocked providers.

# Values that are checked when they flow on must look real. Terraform would take them from
# a file too, OpenTofu does not; what is not named here is made up.
mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      id     = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
      name   = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
      email  = "mock@acme-mcp.iam.gserviceaccount.com"
      member = "serviceAccount:mock@acme-mcp.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_compute_global_address" {
    defaults = {
      address = "203.0.113.7"
    }
  }
}

mock_provider "google-beta" {
  mock_resource "google_project_service_identity" {
    defaults = {
      member = "serviceAccount:service-1@gcp-sa-eventarc.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_api_gateway_gateway" {
    defaults = {
      default_hostname = "postern-0abc1def.ew.gateway.dev"
    }
  }
}

variables {
  project          = "acme-mcp"
  region           = "europe-west1"
  public_origin    = "https://postern-0abc1def.ew.gateway.dev"
  github_client_id = "Ov23liAbCdEf0123456"
  allow            = ["org:acme", "user:octocat"]

  # Nothing takes time here, and what was made has to go.
  grants_take       = 0
  delete_protection = false
}

run "outputs_say_what_to_do" {
  command = apply

  assert {
    condition     = output.mcp_url == "https://postern-0abc1def.ew.gateway.dev/mcp"
    error_message = "mcp_url is ${output.mcp_url}"
  }

  assert {
    condition     = output.callback_url == "https://postern-0abc1def.ew.gateway.dev/auth/callback"
    error_message = "callback_url is ${output.callback_url}"
  }

  assert {
    condition     = output.next_step == "postern doctor https://postern-0abc1def.ew.gateway.dev"
    error_message = "next_step is ${output.next_step}"
  }

  assert {
    condition     = output.domain_address == null
    error_message = "there is no load balancer without custom_domain"
  }

  assert {
    condition     = length(output.functions) == 7 && output.functions["token"] == "postern-token"
    error_message = "functions are ${jsonencode(output.functions)}"
  }
}

run "first_apply_without_a_domain_names_the_gateways_host" {
  command = apply

  variables {
    public_origin = "https://first-apply.invalid"
  }

  assert {
    condition = (
      strcontains(output.next_step, "public_origin = \"https://postern-0abc1def.ew.gateway.dev\"") &&
      strcontains(output.next_step, "https://postern-0abc1def.ew.gateway.dev/auth/callback")
    )
    error_message = "next_step is ${output.next_step}"
  }
}

run "custom_domain_puts_a_load_balancer_in_front" {
  command = apply

  variables {
    public_origin = "https://auth.example.com"
    custom_domain = true
  }

  assert {
    condition     = output.domain_address == "203.0.113.7" && strcontains(output.next_step, "A record of auth.example.com to 203.0.113.7")
    error_message = "next_step is ${output.next_step}"
  }
}

run "the_load_balancer_sends_its_proof_and_its_caller" {
  command = apply

  module {
    source = "./modules/domain"
  }

  variables {
    name_prefix = "postern"
    gateway     = { id = "postern", region = "europe-west1" }
    host        = "auth.example.com"
    proof       = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"
  }

  assert {
    condition     = one(google_compute_backend_service.this["gateway"].custom_request_headers) == "X-Postern-Load-Balancer: 0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41 {client_ip_address}"
    error_message = "the load balancer sends ${jsonencode(google_compute_backend_service.this["gateway"].custom_request_headers)}"
  }
}

run "the_load_balancer_leads_straight_to_the_functions" {
  command = apply

  module {
    source = "./modules/domain"
  }

  variables {
    name_prefix     = "postern"
    host            = "auth.example.com"
    proof           = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"
    security_policy = "acme-edge"
    functions = {
      region   = "europe-west1"
      services = { token = "postern-token", connections = "postern-connections" }
      routes = [
        { function = "token", full = "/token", prefix = null, template = null },
        { function = "token", full = null, prefix = "/token/", template = null },
      ]
      rest = "connections"
    }
  }

  assert {
    condition     = alltrue([for b in google_compute_backend_service.this : endswith(b.security_policy, "/securityPolicies/acme-edge") && one(b.custom_request_headers) == "X-Postern-Load-Balancer: 0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41 {client_ip_address}"])
    error_message = "the backends are ${jsonencode(google_compute_backend_service.this)}"
  }

  assert {
    condition     = length(google_compute_region_network_endpoint_group.gateway) == 0 && google_compute_region_network_endpoint_group.function["token"].cloud_run[0].service == "postern-token"
    error_message = "the load balancer leads to ${jsonencode(google_compute_region_network_endpoint_group.function)}"
  }

  assert {
    condition     = google_compute_url_map.this.path_matcher[0].route_rules[0].priority == 1 && google_compute_url_map.this.path_matcher[0].route_rules[1].priority == 2
    error_message = "the rules are ${jsonencode(google_compute_url_map.this.path_matcher)}"
  }
}

run "a_load_balancer_alone_has_no_gateway" {
  command = apply

  variables {
    public_origin = "https://auth.example.com"
    custom_domain = true
    front         = "load-balancer"

    # Where there is no API Gateway, which is no matter then.
    region = "southamerica-east1"
  }

  assert {
    condition     = output.gateway_hostname == null && length(module.gateway) == 0 && length(google_service_account.gateway) == 0
    error_message = "there is a gateway: ${jsonencode(output.gateway_hostname)}"
  }

  assert {
    condition     = output.domain_address == "203.0.113.7" && strcontains(output.next_step, "A record of auth.example.com to 203.0.113.7")
    error_message = "next_step is ${output.next_step}"
  }
}

run "a_region_without_a_gateway_is_warned_about" {
  command = plan

  variables {
    region = "southamerica-east1"
  }

  expect_failures = [check.gateway_region]
}

run "a_region_where_a_build_may_lack_quota_is_warned_about" {
  command = plan

  variables {
    region = "europe-west2"
  }

  expect_failures = [check.build_region]
}

run "the_gateway_may_be_in_another_region" {
  command = plan

  variables {
    region         = "southamerica-east1"
    gateway_region = "us-east1"
  }
}

run "an_openid_connect_provider" {
  command = plan

  variables {
    identity_provider = "oidc:entra"
    github_client_id  = null
    oidc_issuer       = "https://login.microsoftonline.com/organizations/v2.0"
    oidc_client_id    = "4a2e7f0c-6f0b-4d3c-9a0f-1f3a5f7e9b1d"
    oidc              = { title = "Acme", tenants = ["8d3f3d24-6a3e-4d0c-9a43-8f1d2c0a5b77"], scopes = ["roles"], private_network = true }
    allow             = ["group:8d3f3d24", "claim:roles=postern", "user-id:auth0|5f", "email:a@example.com"]
  }
}

run "good_values_pass" {
  command = plan

  variables {
    public_origin      = "https://mcp.auth-1.example.co.uk"
    github_url         = "https://github.example.com"
    github_api_url     = "https://github.example.com/api/v3"
    github_scopes      = ["repo", "read:user"]
    allow              = ["user:octocat", "user:octocat_acme", "user-id:583231", "email:a@example.com", "org:acme", "team:acme/ops.x_y", "email-domain:example.com", "email-domain:*.example.com", "anyone"]
    operator_contact   = "ops@example.com"
    cimd_allow         = ["claude.ai", "chatgpt.com"]
    redirect_schemes   = ["cursor", "vscode-insiders", "com.example.app"]
    firestore_location = "eur3"

    openai_apps_challenge = "8t0fMl4QrJ2yXw7v"

    otel = {
      OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com/base"
      OTEL_TRACES_SAMPLER         = "traceidratio"
      OTEL_TRACES_SAMPLER_ARG     = "0.05"
    }
    otel_headers_secret = "otel-headers"

    mcp_upstreams = {
      wiki = { url = "https://wiki.example.com/mcp" }
      crm = {
        url        = "https://crm.example.com"
        title      = "Customers"
        scopes     = [{ name = "edit", words = "edit" }]
        identity   = "none"
        credential = { header = "X-Api-Key", secret = "crm-key" }
        cloud_run  = "https://crm-abc123-ew.a.run.app"
        tools      = { allow = ["read_*"], need = [{ match = ["read_all"], scope = "edit" }] }
      }
    }

    mcp_upstream_url     = "https://docs.example.com/mcp"
    mcp_upstream_options = { identity = "headers", groups = ["org:acme"] }

    look = {
      name            = "Werkzeuge für alle"
      accent_color    = "#1A56c4"
      support_contact = "https://example.com/help"
      privacy_url     = "https://example.com/privacy?v=2"
      terms_url       = "https://example.com/terms"
    }

    database           = "(default)"
    instances          = { mcp = { min = 1, max = 20 }, token = { max = 3 } }
    lifetimes          = { GRANT_TTL = "43800h", CODE_TTL = "10m", REFRESH_GRACE = "0", MEMBERSHIP_TTL = "0s", EVIDENCE_MAX_AGE = "8760h", ACCESS_TOKEN_TTL = "1h30m5s" }
    forwarded_for_hops = 0
    log_level          = "debug"
    alert_emails       = ["ops@example.com"]
  }
}
