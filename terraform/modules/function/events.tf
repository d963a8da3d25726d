locals {
  event_type = "google.cloud.firestore.document.v1.written"

  # The first document's trigger belongs to the function itself.
  further_documents = local.is_event ? slice(var.events.documents, 1, length(var.events.documents)) : []
}

# Its own account: the one that delivers events may call the function and
# nothing else; the one that runs it may not call anything.
resource "google_service_account" "trigger" {
  count = local.is_event ? 1 : 0

  project      = var.project
  account_id   = "${local.id}-trigger"
  display_name = "Postern ${var.name} trigger"
}

resource "google_project_iam_member" "event_receiver" {
  count = local.is_event ? 1 : 0

  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.trigger[0].member
}

resource "google_eventarc_trigger" "further" {
  for_each = { for pattern in local.further_documents : split("/", pattern)[0] => pattern }

  project                 = var.project
  location                = var.events.region
  name                    = "${local.id}-${each.key}"
  service_account         = google_service_account.trigger[0].email
  event_data_content_type = "application/protobuf"

  matching_criteria {
    attribute = "type"
    value     = local.event_type
  }

  matching_criteria {
    attribute = "database"
    value     = var.events.database
  }

  matching_criteria {
    attribute = "document"
    value     = each.value
    operator  = "match-path-pattern"
  }

  destination {
    cloud_run_service {
      service = google_cloudfunctions2_function.this.name
      region  = var.region
    }
  }

  depends_on = [google_project_iam_member.event_receiver]
}
