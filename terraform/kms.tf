# A key of the organisation's own (kms_key). The services use it by their own accounts, which are
# granted it here; what it seals is made when that has taken effect.
locals {
  # What stands behind service-NUMBER@ in the account of each, but for the one of Eventarc, which
  # is in services.tf, and that of storage.
  key_users = var.kms_key == null ? {} : merge({
    artifactregistry = "gcp-sa-artifactregistry"
    cloudfunctions   = "gcf-admin-robot"
    run              = "serverless-robot-prod"
    secretmanager    = "gcp-sa-secretmanager"
  }, local.is_postgres ? { sqladmin = "gcp-sa-cloud-sql" } : { firestore = "gcp-sa-firestore" })
}

# Functions and Run have theirs as soon as they are enabled, these when somebody asks.
resource "google_project_service_identity" "key_user" {
  provider = google-beta
  for_each = setsubtract(keys(local.key_users), ["cloudfunctions", "run"])

  project = var.project
  service = "${each.key}.googleapis.com"

  depends_on = [google_project_service.this]
}

# To ask for the account of storage is what makes it.
data "google_storage_project_service_account" "this" {
  count = var.kms_key == null ? 0 : 1

  project = var.project

  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "user" {
  for_each = var.kms_key == null ? toset([]) : setunion(keys(local.key_users), ["eventarc", "storage"])

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member = (
    each.key == "storage"
    ? data.google_storage_project_service_account.this[0].member
    : replace(google_project_service_identity.eventarc.member, "gcp-sa-eventarc", lookup(local.key_users, each.key, "gcp-sa-eventarc"))
  )

  depends_on = [google_project_service_identity.key_user]
}

resource "terraform_data" "key" {
  count = var.kms_key == null ? 0 : 1

  triggers_replace = [var.kms_key, keys(local.key_users)]

  provisioner "local-exec" {
    # As in modules/function.
    interpreter = can(regex("^[A-Za-z]:", abspath(path.root))) ? ["powershell", "-Command", "Start-Sleep"] : ["sleep"]
    command     = tostring(var.grants_take)
  }

  depends_on = [google_kms_crypto_key_iam_member.user]
}

# Images of a function with a key belong into a repository with that key.
resource "google_artifact_registry_repository" "functions" {
  count = var.kms_key == null ? 0 : 1

  project       = var.project
  location      = var.region
  repository_id = "${var.name_prefix}-functions"
  description   = "Images of Postern's functions"
  format        = "DOCKER"
  kms_key_name  = var.kms_key
  labels        = merge(var.labels, { app = "postern" })

  depends_on = [terraform_data.key]
}

# Events of Firestore on their way to the cascade. A project has one of these in a region, for
# all its triggers; Google cannot delete it.
resource "google_eventarc_google_channel_config" "this" {
  count = var.kms_key == null || local.is_postgres ? 0 : 1

  project         = var.project
  location        = var.region
  name            = "projects/${var.project}/locations/${var.region}/googleChannelConfig"
  crypto_key_name = var.kms_key

  depends_on = [terraform_data.key]
}
