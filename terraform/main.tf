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

# The one account that may call the HTTP functions.
resource "google_service_account" "gateway" {
  project      = var.project
  account_id   = "${var.name_prefix}-gateway"
  display_name = "Postern gateway"

  depends_on = [google_project_service.this]
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
  invoker     = google_service_account.gateway.member
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
  internal    = true
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

# Addresses that follow from the names, not those that a made function tells: what the
# gateway's config depends on is replaced as the config is, the new one first, and a
# function whose first deployment failed cannot be replaced in that order.
locals {
  addresses = { for name in keys(local.http_functions) :
    name => "https://${var.name_prefix}-${name}-${google_storage_bucket.source.project_number}.${var.region}.run.app"
  }
}

module "gateway" {
  source = "./modules/gateway"

  project           = var.project
  name_prefix       = var.name_prefix
  region            = coalesce(var.gateway_region, var.region)
  service_account   = google_service_account.gateway.email
  addresses         = local.addresses
  delete_protection = var.delete_protection
}

# What only the load balancer and the functions know. It is made once and kept in
# the state. Taint it, or replace it by -replace, for another one.
resource "terraform_data" "load_balancer_proof" {
  count = var.custom_domain ? 1 : 0
  input = uuid()

  lifecycle {
    ignore_changes = [input]
  }
}

module "domain" {
  source = "./modules/domain"
  count  = var.custom_domain ? 1 : 0

  project     = var.project
  name_prefix = var.name_prefix
  region      = coalesce(var.gateway_region, var.region)
  gateway_id  = module.gateway.gateway_id
  host        = trimprefix(var.public_origin, "https://")
  proof       = terraform_data.load_balancer_proof[0].output

  certificate_first = var.certificate_first
  dns_zone          = var.dns_zone

  depends_on = [google_project_service.this]
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

# API Gateway is not in every region, and says so only after all else is made.
# The list may grow, hence a warning and no refusal.
check "gateway_region" {
  assert {
    condition = contains([
      "asia-northeast1", "australia-southeast1", "europe-west1", "europe-west2",
      "us-central1", "us-east1", "us-east4", "us-west2", "us-west3", "us-west4",
    ], coalesce(var.gateway_region, var.region))
    error_message = "API Gateway was not known to be offered in this region when this was written: set gateway_region to one nearby, e.g. gateway_region = \"europe-west1\"."
  }
}
