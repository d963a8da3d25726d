# With store = "postgres": a Cloud SQL instance in place of Firestore, and a schedule in place
# of Firestore's events.
locals {
  is_postgres = var.store == "postgres"

  # Who does what with the records. mcp runs tools that other people write, so it only reads.
  record_writers = ["register", "authorize", "token", "connections", "cascade"]
  record_readers = ["mcp"]

  # Each function is a user of the database, by its account: no password.
  database_users = {
    for name in concat(local.record_writers, local.record_readers) : name => "${var.name_prefix}-${name}@${var.project}.iam"
  }

  # How functions reach other places, the instance's private address above all; null: as the
  # platform has it.
  network = (
    var.egress != null ? var.egress
    : local.is_postgres ? { network = var.postgres.network, subnetwork = var.postgres.subnetwork, connector = null, all_traffic = false }
    : null
  )

  # As in main.tf: what follows from the name.
  cascade_address = "https://${var.name_prefix}-cascade-${google_storage_bucket.source.project_number}.${var.region}.run.app"

  # STORE of each function that has records.
  stores = {
    for name, user in local.database_users : name => (
      local.is_postgres
      ? "postgres://${urlencode(user)}@/${one(module.postgres[*].database)}?cloudsql=${one(module.postgres[*].connection_name)}"
      : "firestore:${var.project}/${one(module.store[*].database)}"
    )
  }
}

module "postgres" {
  source = "./modules/postgres"
  count  = local.is_postgres ? 1 : 0

  project           = var.project
  name_prefix       = var.name_prefix
  labels            = var.labels
  region            = var.region
  network           = var.postgres.network
  tier              = var.postgres.tier
  availability      = var.postgres.availability
  public_ip         = var.postgres.public_ip
  operators         = var.postgres.operators
  users             = values(local.database_users)
  kms_key           = var.kms_key
  delete_protection = var.delete_protection
  # Each process has at most four connections; the rest is for people and PostgreSQL itself.
  max_connections = max(100, 20 + 4 * sum([for name in keys(local.database_users) : try(var.instances[name].max, 10)]))

  depends_on = [google_project_service.this, terraform_data.key]
}

# To connect, and to be believed to be who one is.
resource "google_project_iam_member" "database_user" {
  for_each = local.is_postgres ? {
    for pair in setproduct(keys(local.database_users), ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) :
    "${pair[0]} ${pair[1]}" => { function = pair[0], role = pair[1] }
  } : {}

  project = var.project
  role    = each.value.role
  member  = each.value.function == "cascade" ? module.cascade.member : module.function[each.value.function].member
}

# PostgreSQL sends no events: every minute the cascade looks for changes itself.
resource "google_service_account" "schedule" {
  count = local.is_postgres ? 1 : 0

  project      = var.project
  account_id   = "${var.name_prefix}-schedule"
  display_name = "Postern schedule"

  depends_on = [google_project_service.this]
}

resource "google_cloud_scheduler_job" "cascade" {
  count = local.is_postgres ? 1 : 0

  project          = var.project
  region           = var.region
  name             = "${var.name_prefix}-cascade"
  description      = "Makes the cascade look for changes of records"
  schedule         = "* * * * *"
  attempt_deadline = "${local.cascade.timeout}s"

  http_target {
    uri         = local.cascade_address
    http_method = "POST"
    body        = base64encode("{}")

    # A CloudEvent in binary mode; functions/cascade knows the type.
    headers = {
      "Content-Type"   = "application/json"
      "Ce-Specversion" = "1.0"
      "Ce-Id"          = "schedule"
      "Ce-Type"        = "dev.postern.changes.due"
      "Ce-Source"      = "//cloudscheduler.googleapis.com/${var.name_prefix}-cascade"
    }

    oidc_token {
      service_account_email = google_service_account.schedule[0].email
      audience              = local.cascade_address
    }
  }
}

output "migrate_command" {
  description = "With store = \"postgres\": what an operator runs before each deployment of another release, as one of postgres.operators (OPERATOR)."
  value = local.is_postgres ? join(" ", concat(
    ["postern store migrate --store 'postgres://OPERATOR@/${one(module.postgres[*].database)}?cloudsql=${one(module.postgres[*].connection_name)}${var.postgres.public_ip ? "&cloudsql_ip=public" : ""}' --owner cloudsqlsuperuser"],
    [for name in local.record_writers : "--grant ${local.database_users[name]}"],
    [for name in local.record_readers : "--grant-read ${local.database_users[name]}"],
  )) : null
}
