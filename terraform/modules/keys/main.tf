locals {
  secrets = {
    "fernet-keys"          = "Fernet ring that seals records"
    "signing-keys"         = "private ring that signs access tokens"
    "verification-keys"    = "public keys that verify access tokens"
    "identity-keys"        = "private ring that tells upstream servers who calls"
    "github-client-secret" = "client secret of the GitHub OAuth app or GitHub App"
    "oidc-client-secret"   = "client secret at the OpenID Connect provider"
  }
}

# The containers only. Versions are made outside, so that no key material is
# ever in a plan or a state; who may read is said where each function is.
resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  project             = var.project
  secret_id           = var.name_prefix == "postern" ? each.key : "${var.name_prefix}-${each.key}"
  annotations         = { purpose = each.value }
  labels              = merge(var.labels, { app = "postern" })
  deletion_protection = var.delete_protection

  # A version destroyed by mistake can be had back for a week.
  version_destroy_ttl = "604800s"

  replication {
    dynamic "auto" {
      for_each = length(var.locations) == 0 ? [true] : []

      content {}
    }

    dynamic "user_managed" {
      for_each = length(var.locations) == 0 ? [] : [true]

      content {
        dynamic "replicas" {
          for_each = var.locations

          content {
            location = replicas.value

            dynamic "customer_managed_encryption" {
              for_each = var.kms_key == null ? [] : [var.kms_key]

              content {
                kms_key_name = customer_managed_encryption.value
              }
            }
          }
        }
      }
    }
  }
}
