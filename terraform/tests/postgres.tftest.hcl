# PostgreSQL in place of Firestore: what is refused, and what is made.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      id     = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
      name   = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
      email  = "mock@acme-mcp.iam.gserviceaccount.com"
      member = "serviceAccount:mock@acme-mcp.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_sql_database_instance" {
    defaults = {
      connection_name = "acme-mcp:europe-west1:postern"
    }
  }

  mock_resource "google_storage_bucket" {
    defaults = {
      project_number = 123456789012
    }
  }
}

mock_provider "google-beta" {
  mock_resource "google_project_service_identity" {
    defaults = {
      member = "serviceAccount:service-1@gcp-sa-eventarc.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_api_gateway_gateway" {
    defaults = {
      default_hostname = "postern-0abc1def.ew.gateway.dev"
    }
  }
}

variables {
  project           = "acme-mcp"
  region            = "europe-west1"
  public_origin     = "https://postern-0abc1def.ew.gateway.dev"
  github_client_id  = "Ov23liAbCdEf0123456"
  allow             = ["org:acme"]
  grants_take       = 0
  delete_protection = false
}

run "store_refuses_another_kind" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store = "mysql"
  }

  expect_failures = [var.store]
}

run "store_refuses_postgres_without_an_instance" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store = "postgres"
  }

  expect_failures = [var.store]
}

run "store_refuses_an_instance_without_postgres" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    postgres = { network = "default", subnetwork = "default" }
  }

  expect_failures = [var.store]
}

run "store_refuses_zips_of_another_store" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    packages_dir = "../.cache/terraform/packages-postgres"
  }

  expect_failures = [var.store]
}

run "postgres_refuses_an_unknown_availability" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres = {
      network      = "default"
      subnetwork   = "default"
      availability = "GLOBAL"
    }
  }

  expect_failures = [var.postgres]
}

run "postgres_refuses_a_link_to_a_network" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres = {
      network    = "projects/acme-mcp/global/networks/default"
      subnetwork = "default"
    }
  }

  expect_failures = [var.postgres]
}

run "postgres_refuses_a_size" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres = {
      network    = "default"
      subnetwork = "default"
      tier       = "small"
    }
  }

  expect_failures = [var.postgres]
}

run "postgres_refuses_a_service_account" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres = {
      network    = "default"
      subnetwork = "default"
      operators  = ["user:ops@example.com"]
    }
  }

  expect_failures = [var.postgres]
}

run "postgres_is_wired" {
  command = apply

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres = {
      network    = "default"
      subnetwork = "functions"
      operators  = ["ops@example.com"]
    }
  }

  assert {
    condition     = length(module.store) == 0
    error_message = "a Firestore database is made"
  }

  assert {
    condition     = local.stores["token"] == "postgres://postern-token%40acme-mcp.iam@/postern?cloudsql=acme-mcp:europe-west1:postern"
    error_message = "STORE of token is ${local.stores["token"]}"
  }

  assert {
    condition     = toset([for grant in google_project_iam_member.database_user : grant.role]) == toset(["roles/cloudsql.client", "roles/cloudsql.instanceUser"])
    error_message = "functions get ${jsonencode([for grant in google_project_iam_member.database_user : grant.role])}"
  }

  assert {
    condition     = !contains(keys(local.database_users), "wellknown")
    error_message = "wellknown is a user of the database"
  }

  assert {
    condition     = google_cloud_scheduler_job.cascade[0].http_target[0].headers["Ce-Type"] == "dev.postern.changes.due"
    error_message = "the schedule sends ${google_cloud_scheduler_job.cascade[0].http_target[0].headers["Ce-Type"]}"
  }

  assert {
    condition     = google_cloud_scheduler_job.cascade[0].http_target[0].uri == "https://postern-cascade-123456789012.europe-west1.run.app"
    error_message = "the schedule calls ${google_cloud_scheduler_job.cascade[0].http_target[0].uri}"
  }

  # mcp runs tools that other people write, so it only reads.
  assert {
    condition     = endswith(output.migrate_command, "--grant-read postern-mcp@acme-mcp.iam") && !strcontains(output.migrate_command, "--grant postern-mcp@")
    error_message = "migrate_command is ${output.migrate_command}"
  }
}

run "egress_refuses_another_network_than_the_databases" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    store        = "postgres"
    packages_dir = "../.cache/terraform/packages-postgres"
    postgres     = { network = "default", subnetwork = "default" }
    egress       = { network = "other", subnetwork = "default" }
  }

  expect_failures = [var.egress]
}
