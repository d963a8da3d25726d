# One host, one backend, no rewriting: the well-known documents stay at the
# root of the origin. Port 80 stays closed: nobody has a reason to send a
# credential there, and a redirect would teach clients to try.

resource "google_compute_global_address" "this" {
  project = var.project
  name    = var.name_prefix
}

resource "google_compute_region_network_endpoint_group" "gateway" {
  provider = google-beta

  project               = var.project
  region                = var.region
  name                  = "${var.name_prefix}-gateway"
  network_endpoint_type = "SERVERLESS"

  serverless_deployment {
    platform = "apigateway.googleapis.com"
    resource = var.gateway_id
  }
}

# Request logs stay off: they would hold query strings, and with them codes.
resource "google_compute_backend_service" "gateway" {
  project               = var.project
  name                  = "${var.name_prefix}-gateway"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"

  # Whose request it is, in words that a caller of the gateway's own host cannot use.
  custom_request_headers = ["X-Postern-Load-Balancer: ${var.proof} {client_ip_address}"]

  backend {
    group = google_compute_region_network_endpoint_group.gateway.id
  }

  log_config {
    enable = false
  }
}

resource "google_compute_url_map" "this" {
  project         = var.project
  name            = var.name_prefix
  default_service = google_compute_backend_service.gateway.id
}

resource "google_compute_ssl_policy" "modern" {
  project         = var.project
  name            = "${var.name_prefix}-modern"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project
  name             = var.name_prefix
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  certificate_map  = var.certificate_first ? "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this[0].id}" : null
  ssl_policy       = google_compute_ssl_policy.modern.id

  depends_on = [google_certificate_manager_certificate_map_entry.this]
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project
  name                  = "${var.name_prefix}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}
