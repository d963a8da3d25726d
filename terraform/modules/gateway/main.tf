locals {
  openapi = templatefile("${path.module}/../../gateway/openapi.yaml", var.addresses)
}

resource "google_api_gateway_api" "this" {
  provider = google-beta

  project      = var.project
  api_id       = var.name_prefix
  display_name = "Postern"
}

# A config cannot be changed: another path map is another config, made before
# the gateway lets go of the old one.
resource "google_api_gateway_api_config" "this" {
  provider = google-beta

  project              = var.project
  api                  = google_api_gateway_api.this.api_id
  api_config_id_prefix = "${var.name_prefix}-"
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
  gateway_id   = var.name_prefix
  display_name = "Postern"
  api_config   = google_api_gateway_api_config.this.id
}

# The gateway's own host is made with it, and is the issuer where there is no domain: with
# protection on, a gateway is not replaced by one elsewhere. What would go first refuses.
resource "terraform_data" "protection" {
  input            = var.delete_protection
  triggers_replace = var.name_prefix == "postern" ? var.region : "${var.name_prefix} ${var.region}"

  provisioner "local-exec" {
    when    = destroy
    command = self.output ? "echo delete_protection is on, so the gateway and its host stay where they are. First: terraform apply -var delete_protection=false && exit 1" : "exit 0"
  }

  depends_on = [google_api_gateway_gateway.this]
}
