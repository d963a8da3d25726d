resource "google_project_service" "this" {
  for_each = toset(concat([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    ],
    local.straight ? [] : ["apigateway.googleapis.com", "servicecontrol.googleapis.com", "servicemanagement.googleapis.com"],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.kms_key == null ? [] : ["cloudkms.googleapis.com"],
    var.certificate_first ? ["certificatemanager.googleapis.com"] : [],
    var.dns_zone == null ? [] : ["dns.googleapis.com"],
    var.custom_domain || local.is_postgres ? ["compute.googleapis.com"] : [],
    local.is_postgres ? [
      "cloudscheduler.googleapis.com", "servicenetworking.googleapis.com", "sqladmin.googleapis.com",
    ] : [],
  ))

  project = var.project
  service = each.value

  # Other things in the project may use them.
  disable_on_destroy = false
}

# Google makes Eventarc's own account at some time after its first use; asked
# for here, it is there when the first trigger is.
resource "google_project_service_identity" "eventarc" {
  provider = google-beta

  project = var.project
  service = "eventarc.googleapis.com"

  depends_on = [google_project_service.this]
}

# The same for API Gateway, which grants its account what it needs by itself.
resource "google_project_service_identity" "apigateway" {
  provider = google-beta
  count    = local.straight ? 0 : 1

  project = var.project
  service = "apigateway.googleapis.com"

  depends_on = [google_project_service.this]
}

moved {
  from = google_project_service_identity.apigateway
  to   = google_project_service_identity.apigateway[0]
}

resource "google_project_iam_member" "eventarc" {
  project = var.project
  role    = "roles/eventarc.serviceAgent"
  member  = google_project_service_identity.eventarc.member
}
