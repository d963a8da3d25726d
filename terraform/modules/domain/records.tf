# The records, where the zone is Cloud DNS's. Elsewhere a person makes them.
locals {
  zone = var.dns_zone == null ? null : split("/", var.dns_zone)
}

resource "google_dns_record_set" "host" {
  count = local.zone == null ? 0 : 1

  project      = local.zone[0]
  managed_zone = local.zone[1]
  name         = "${var.host}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_global_address.this.address]
}

resource "google_dns_record_set" "authorization" {
  count = local.zone != null && var.certificate_first ? 1 : 0

  project      = local.zone[0]
  managed_zone = local.zone[1]
  name         = google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].data]
}
