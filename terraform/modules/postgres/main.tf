# Where Google's side of the network takes the instance's address from.
resource "google_compute_global_address" "services" {
  project       = var.project
  name          = "${var.name_prefix}-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
  network       = "projects/${var.project}/global/networks/${var.network}"
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_global_address.services.network
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  update_on_creation_fail = true # the network may have others already

  # Instances hold on to it for days after they are gone.
  deletion_policy = "ABANDON"
}

resource "google_sql_database_instance" "this" {
  project             = var.project
  region              = var.region
  name                = var.name_prefix
  database_version    = "POSTGRES_17"
  encryption_key_name = var.kms_key
  deletion_protection = var.delete_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.availability
    deletion_protection_enabled = var.delete_protection # against other tools than terraform
    disk_autoresize             = true
    user_labels                 = merge(var.labels, { app = "postern" })

    ip_configuration {
      ipv4_enabled    = var.public_ip
      private_network = google_compute_global_address.services.network
      # Cloud SQL's connector has certificates; nobody else gets in, from whatever network.
      ssl_mode = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.max_connections)
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "this" {
  project  = var.project
  instance = google_sql_database_instance.this.name
  name     = "postern"

  # Records go with the instance, which is protected.
  deletion_policy = "ABANDON"
}

# What each may do is granted by postern store migrate.
resource "google_sql_user" "function" {
  for_each = toset(var.users)

  project  = var.project
  instance = google_sql_database_instance.this.name
  name     = each.value
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"

  # A user that has been granted something cannot be dropped before the instance is.
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "operator" {
  for_each = toset(var.operators)

  project        = var.project
  instance       = google_sql_database_instance.this.name
  name           = each.value
  type           = "CLOUD_IAM_USER"
  database_roles = ["cloudsqlsuperuser"]

  deletion_policy = "ABANDON"
}

resource "google_project_iam_member" "operator" {
  for_each = {
    for pair in setproduct(var.operators, ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) :
    "${pair[0]} ${pair[1]}" => { email = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member  = "user:${each.value.email}"
}
