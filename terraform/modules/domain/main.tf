# One host, no rewriting: the well-known documents stay at the root of the origin. Behind
# it is the gateway, or each function with the paths that are its own. Port 80 stays closed: nobody has a reason to send a
# credential there, and a redirect would teach clients to try.

resource "google_compute_global_address" "this" {
  project = var.project
  name    = var.name_prefix
}

locals {
  # What it leads to, by name.
  backends = var.functions == null ? ["gateway"] : keys(var.functions.services)
  default  = var.functions == null ? "gateway" : var.functions.rest

  # What leads to the gateway cannot come to lead elsewhere: Google deletes no backend that is in use,
  # and Terraform deletes before it changes. So with another front these are others.
  name = var.functions == null ? var.name_prefix : "${var.name_prefix}-functions"
}

resource "google_compute_region_network_endpoint_group" "gateway" {
  provider = google-beta
  count    = var.gateway == null ? 0 : 1

  project               = var.project
  region                = var.gateway.region
  name                  = "${var.name_prefix}-gateway"
  network_endpoint_type = "SERVERLESS"

  serverless_deployment {
    platform = "apigateway.googleapis.com"
    resource = var.gateway.id
  }
}

moved {
  from = google_compute_region_network_endpoint_group.gateway
  to   = google_compute_region_network_endpoint_group.gateway[0]
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = var.functions == null ? {} : var.functions.services

  project               = var.project
  region                = var.functions.region
  name                  = "${var.name_prefix}-${each.key}"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value
  }
}

# Request logs stay off: they would hold query strings, and with them codes.
resource "google_compute_backend_service" "this" {
  for_each = toset(local.backends)

  project               = var.project
  name                  = "${var.name_prefix}-${each.key}"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = var.security_policy == null ? null : "projects/${var.project}/global/securityPolicies/${var.security_policy}"

  # Whose request it is, in words that a caller of the gateway's own host, or of a function
  # itself, cannot use.
  custom_request_headers = ["X-Postern-Load-Balancer: ${var.proof} {client_ip_address}"]

  backend {
    group = var.functions == null ? google_compute_region_network_endpoint_group.gateway[0].id : google_compute_region_network_endpoint_group.function[each.key].id
  }

  log_config {
    enable = false
  }
}

moved {
  from = google_compute_backend_service.gateway
  to   = google_compute_backend_service.this["gateway"]
}

# Methods are the functions' to refuse, and so is a path that is none.
resource "google_compute_url_map" "this" {
  project         = var.project
  name            = local.name
  default_service = google_compute_backend_service.this[local.default].id

  dynamic "host_rule" {
    for_each = var.functions == null ? [] : ["*"]

    content {
      hosts        = [host_rule.value]
      path_matcher = "functions"
    }
  }

  dynamic "path_matcher" {
    for_each = var.functions == null ? [] : [var.functions]

    content {
      name            = "functions"
      default_service = google_compute_backend_service.this[path_matcher.value.rest].id

      dynamic "route_rules" {
        for_each = path_matcher.value.routes

        content {
          priority = route_rules.key + 1
          service  = google_compute_backend_service.this[route_rules.value.function].id

          match_rules {
            full_path_match     = route_rules.value.full
            prefix_match        = route_rules.value.prefix
            path_template_match = route_rules.value.template
          }
        }
      }
    }
  }
}

resource "google_compute_ssl_policy" "modern" {
  project         = var.project
  name            = "${var.name_prefix}-modern"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project
  name             = local.name
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  certificate_map  = var.certificate_first ? "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this[0].id}" : null
  ssl_policy       = google_compute_ssl_policy.modern.id

  depends_on = [google_certificate_manager_certificate_map_entry.this]
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project
  name                  = "${local.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}
