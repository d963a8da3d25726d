# Where the zips of make package go, and who builds them.
resource "google_storage_bucket" "source" {
  project                     = var.project
  name                        = "${var.project}-${var.name_prefix}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = merge(var.labels, { app = "postern" })
  force_destroy               = true # every zip in it can be made again

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.this, terraform_data.key]
}

# Without one of our own the builds would run as the project's default account,
# which is often an editor of everything.
resource "google_service_account" "builder" {
  project      = var.project
  account_id   = "${var.name_prefix}-builder"
  display_name = "Postern builds"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "builder" {
  for_each = toset([
    "roles/artifactregistry.writer",
    "roles/logging.logWriter",
    "roles/storage.objectViewer",
  ])

  project = var.project
  role    = each.value
  member  = google_service_account.builder.member
}
