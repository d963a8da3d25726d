locals {
  id       = "${var.name_prefix}-${var.name}"
  is_event = var.events != null

  # One of the two, or neither.
  subnetwork = try(var.network.subnetwork, null)
  connector  = try(var.network.connector, null)

  # A label has lower-case letters, digits, _ and -, 63 at most: v1.2.3 is v1-2-3.
  label = substr(replace(lower(var.release), "/[^a-z0-9_-]/", "-"), 0, 63)
}

# One account per function: what one is given, no other has.
resource "google_service_account" "runtime" {
  project      = var.project
  account_id   = local.id
  display_name = "Postern ${var.name}"
}

# Firestore has no finer lock than the database; the condition keeps other
# databases of the project out of reach.
resource "google_project_iam_member" "database" {
  count = var.database == null ? 0 : 1

  project = var.project
  role    = var.database.role
  member  = google_service_account.runtime.member

  condition {
    title      = "postern-database"
    expression = "resource.name == \"projects/${var.project}/databases/${var.database.id}\""
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge(var.secrets, var.values)

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

resource "google_secret_manager_secret_iam_member" "file_reader" {
  for_each = var.files

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

# A grant takes effect some time after it was made, and a function that cannot be built or
# cannot read its secrets does not start. So the first deployment waits, and one after
# other grants does.
resource "terraform_data" "grants" {
  triggers_replace = {
    account  = google_service_account.runtime.unique_id
    secrets  = concat(values(merge(var.secrets, var.values)), sort(var.files))
    database = var.database
  }

  provisioner "local-exec" {
    # The program alone: sleep, or on Windows what stands for it.
    interpreter = can(regex("^[A-Za-z]:", abspath(path.root))) ? ["powershell", "-Command", "Start-Sleep"] : ["sleep"]
    command     = tostring(var.grants_take)
  }

  depends_on = [
    google_project_iam_member.database,
    google_project_iam_member.event_receiver,
    google_secret_manager_secret_iam_member.reader,
    google_secret_manager_secret_iam_member.file_reader,
  ]
}

# The hash in the name is what makes a new zip a new deployment, and an
# unchanged one none.
resource "google_storage_bucket_object" "source" {
  bucket = var.bucket
  name   = "${var.name}-${substr(filesha256(var.package), 0, 16)}.zip"
  source = var.package

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [source, detect_md5hash] # where the zip lies is no matter, and what is in it is in the name
  }
}

resource "google_cloudfunctions2_function" "this" {
  project     = var.project
  location    = var.region
  name        = local.id
  description = var.description
  labels      = merge(var.labels, { app = "postern", version = local.label })

  kms_key_name = var.kms_key

  build_config {
    runtime           = "go126"
    entry_point       = coalesce(var.entry_point, var.name)
    service_account   = var.builder
    docker_repository = var.images

    environment_variables = {
      # A third off the binary, so faster cold starts; and what release it is of.
      GOOGLE_GOLDFLAGS = "-s -w -X github.com/postern-dev/postern/shared/version.release=${var.release}"
    }

    source {
      storage_source {
        bucket = var.bucket
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.runtime.email
    available_cpu                    = "1" # below that the platform allows one request at a time
    available_memory                 = var.memory
    max_instance_request_concurrency = 80
    min_instance_count               = var.instances.min
    max_instance_count               = var.instances.max
    timeout_seconds                  = var.timeout
    all_traffic_on_latest_revision   = true

    # The gateway calls from outside the VPC: for HTTP functions behind it IAM is the lock.
    ingress_settings = {
      all           = "ALLOW_ALL"
      internal      = "ALLOW_INTERNAL_ONLY"
      load-balancer = "ALLOW_INTERNAL_AND_GCLB"
    }[var.ingress]

    direct_vpc_egress             = local.subnetwork == null ? null : var.network.all_traffic ? "VPC_EGRESS_ALL_TRAFFIC" : "VPC_EGRESS_PRIVATE_RANGES_ONLY"
    vpc_connector                 = local.connector
    vpc_connector_egress_settings = local.connector == null ? null : var.network.all_traffic ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY"

    dynamic "direct_vpc_network_interface" {
      for_each = local.subnetwork == null ? [] : [var.network]

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
      }
    }

    environment_variables = merge(var.environment, {
      for setting, id in var.secrets : setting => "/secrets/${id}/value"
    })

    # One directory per secret, since a volume hides what else is in it. The
    # file follows `latest` at each read: keys rotate without a deployment.
    dynamic "secret_volumes" {
      for_each = setunion(values(var.secrets), var.files)

      content {
        mount_path = "/secrets/${secret_volumes.value}"
        project_id = var.project
        secret     = secret_volumes.value

        versions {
          version = "latest"
          path    = "value"
        }
      }
    }

    dynamic "secret_environment_variables" {
      for_each = var.values

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }

  # A function holds one trigger; those for further documents are below.
  dynamic "event_trigger" {
    for_each = local.is_event ? [var.events] : []

    content {
      trigger_region        = event_trigger.value.region
      event_type            = local.event_type
      retry_policy          = "RETRY_POLICY_RETRY"
      service_account_email = google_service_account.trigger[0].email

      event_filters {
        attribute = "database"
        value     = event_trigger.value.database
      }

      event_filters {
        attribute = "document"
        value     = event_trigger.value.documents[0]
        operator  = "match-path-pattern"
      }
    }
  }

  depends_on = [terraform_data.grants]
}

# A second generation function is a Cloud Run service of the same name, and
# run.invoker on that is the role that counts.
resource "google_cloud_run_service_iam_member" "invoker" {
  project  = var.project
  location = var.region
  service  = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = local.is_event ? google_service_account.trigger[0].member : var.invoker

  lifecycle {
    precondition {
      condition     = local.is_event == (var.invoker == null)
      error_message = "function ${var.name}: give either invoker or events."
    }
  }
}
