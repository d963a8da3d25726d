module "store" {
  source = "./modules/store"
  count  = local.is_postgres ? 0 : 1

  project                = var.project
  database               = local.database
  restored               = var.restored_database
  location               = coalesce(var.firestore_location, var.region)
  delete_protection      = var.delete_protection
  point_in_time_recovery = var.point_in_time_recovery
  backup_days            = var.backup_days
  kms_key                = var.kms_key

  depends_on = [google_project_service.this, terraform_data.key]
}

moved {
  from = module.store
  to   = module.store[0]
}

module "keys" {
  source = "./modules/keys"

  project           = var.project
  name_prefix       = var.name_prefix
  labels            = var.labels
  locations         = var.kms_key == null ? var.secret_locations : [var.region]
  kms_key           = var.kms_key
  delete_protection = var.delete_protection

  depends_on = [google_project_service.this, terraform_data.key]
}

module "function" {
  source   = "./modules/function"
  for_each = local.http_functions

  project     = var.project
  name_prefix = var.name_prefix
  labels      = var.labels
  region      = var.region
  name        = each.key
  entry_point = each.key == "mcp" && var.own_tools ? "tools" : each.key
  description = each.value.description
  package     = "${var.packages_dir}/${each.key}.zip"
  release     = local.release
  bucket      = google_storage_bucket.source.name
  builder     = google_service_account.builder.id
  kms_key     = var.kms_key
  images      = one(google_artifact_registry_repository.functions[*].id)
  environment = each.value.environment
  network     = each.value.database == null ? var.egress : local.network
  secrets     = { for setting, secret in each.value.secrets : setting => module.keys.ids[secret] }
  values      = each.key == "wellknown" ? {} : local.otel_secrets
  files       = each.key == "mcp" ? local.credentials : []
  database    = local.is_postgres ? null : each.value.database
  ingress     = local.straight ? "load-balancer" : "all"
  invoker     = local.straight ? "allUsers" : google_service_account.gateway[0].member
  timeout     = each.value.timeout
  memory      = each.value.memory
  instances   = local.instances[each.key]
  grants_take = var.grants_take

  depends_on = [
    data.google_secret_manager_secret_version.given,
    data.google_secret_manager_secret_version.ring,
    google_project_iam_member.builder,
  ]
}

module "cascade" {
  source = "./modules/function"

  project     = var.project
  name_prefix = var.name_prefix
  labels      = var.labels
  region      = var.region
  name        = "cascade"
  description = local.cascade.description
  package     = "${var.packages_dir}/cascade.zip"
  release     = local.release
  bucket      = google_storage_bucket.source.name
  builder     = google_service_account.builder.id
  kms_key     = var.kms_key
  images      = one(google_artifact_registry_repository.functions[*].id)
  environment = local.cascade.environment
  network     = local.network
  secrets     = { for setting, secret in local.cascade.secrets : setting => module.keys.ids[secret] }
  values      = local.otel_secrets
  database    = local.is_postgres ? null : local.writer
  invoker     = one(google_service_account.schedule[*].member)
  ingress     = "internal"
  timeout     = local.cascade.timeout
  memory      = local.cascade.memory
  instances   = local.instances["cascade"]
  grants_take = var.grants_take

  events = local.is_postgres ? null : {
    database  = one(module.store[*].database)
    region    = one(module.store[*].location)
    documents = ["grants/{id}", "clients/{id}", "codes/{id}", "people/{id}"]
  }

  depends_on = [
    data.google_secret_manager_secret_version.given,
    data.google_secret_manager_secret_version.ring,
    google_eventarc_google_channel_config.this,
    google_project_iam_member.builder,
    google_project_iam_member.eventarc,
  ]
}

module "alerts" {
  source = "./modules/alerts"

  project     = var.project
  name_prefix = var.name_prefix
  emails      = var.alert_emails
  host        = var.uptime_check && !endswith(var.public_origin, ".invalid") ? trimprefix(var.public_origin, "https://") : null

  depends_on = [google_project_service.this]
}

# A project without much history may be kept to these, and says so only when the first
# function is built. Functions are built where they run.
check "build_region" {
  assert {
    condition = contains([
      "asia-east1", "australia-southeast1", "europe-west1", "southamerica-east1", "us-central1", "us-west2",
    ], var.region)
    error_message = "Cloud Build keeps some projects to asia-east1, australia-southeast1, europe-west1, southamerica-east1, us-central1 and us-west2. If the first build fails for want of quota, choose one of them as region, e.g. region = \"europe-west1\" (database and gateway may be elsewhere: firestore_location, gateway_region), or ask Google to lift it."
  }
}
