# The load balancer's own certificate is issued when the host leads here. One of Certificate Manager
# is issued when a second record says that the host is ours, while it still leads elsewhere; a
# map of such goes before the other, which may stay.

# Its name follows the host, because a certificate can neither be changed nor
# deleted while it is in use.
resource "google_compute_managed_ssl_certificate" "this" {
  project = var.project
  name    = "${var.name_prefix}-${substr(sha256(var.host), 0, 12)}"

  managed {
    domains = [var.host]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_dns_authorization" "this" {
  count = var.certificate_first ? 1 : 0

  project = var.project
  name    = "${var.name_prefix}-${substr(sha256(var.host), 0, 12)}"
  domain  = var.host
}

resource "google_certificate_manager_certificate" "this" {
  count = var.certificate_first ? 1 : 0

  project = var.project
  name    = "${var.name_prefix}-${substr(sha256(var.host), 0, 12)}"

  managed {
    domains            = [var.host]
    dns_authorizations = [google_certificate_manager_dns_authorization.this[0].id]
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  count = var.certificate_first ? 1 : 0

  project = var.project
  name    = var.name_prefix
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  count = var.certificate_first ? 1 : 0

  project      = var.project
  name         = "${var.name_prefix}-${substr(sha256(var.host), 0, 12)}"
  map          = google_certificate_manager_certificate_map.this[0].name
  hostname     = var.host
  certificates = [google_certificate_manager_certificate.this[0].id]
}
