locals {
  openapi = templatefile("${path.module}/../../gateway/openapi.yaml", var.addresses)
}

resource "google_api_gateway_api" "this" {
  provider = google-beta

  project      = var.project
  api_id       = "postern"
  display_name = "Postern"
}

# A config cannot be changed: another path map is another config, made before
# the gateway lets go of the old one.
resource "google_api_gateway_api_config" "this" {
  provider = google-beta

  project              = var.project
  api                  = google_api_gateway_api.this.api_id
  api_config_id_prefix = "postern-"
  display_name         = "Postern ${substr(sha256(local.openapi), 0, 12)}"

  openapi_documents {
    document {
      path     = "openapi.yaml"
      contents = base64encode(local.openapi)
    }
  }

  gateway_config {
    backend_config {
      google_service_account = var.service_account
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_api_gateway_gateway" "this" {
  provider = google-beta

  project      = var.project
  region       = var.region
  gateway_id   = "postern"
  display_name = "Postern"
  api_config   = google_api_gateway_api_config.this.id
}
