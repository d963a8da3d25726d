# Lets one GitHub repository deploy Postern without a key: GitHub says which repository, and which
# part of it, a job is of, and Google takes its word for a few minutes. Applied once, by a person.

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
}

variable "project" {
  description = "Id of the project that Postern is deployed to, e.g. acme-mcp."
  type        = string
}

variable "repository" {
  description = "The repository, OWNER/NAME, e.g. acme/postern."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be OWNER/NAME, e.g. repository = \"acme/postern\"."
  }
}

variable "repository_id" {
  description = "Its number, which nobody gets who takes over the name: gh api repos/OWNER/NAME --jq .id"
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "repository_id must be a number (gh api repos/OWNER/NAME --jq .id), e.g. repository_id = \"123456789\"."
  }
}

variable "state_location" {
  description = "Where the bucket of Postern's state is, e.g. europe-west1."
  type        = string
}

resource "google_project_service" "this" {
  for_each = toset([
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

resource "google_iam_workload_identity_pool" "github" {
  project                   = var.project
  workload_identity_pool_id = "github"
  display_name              = "GitHub Actions"

  depends_on = [google_project_service.this]
}

# All of GitHub has this issuer: the condition is what keeps others out.
resource "google_iam_workload_identity_pool_provider" "repository" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "repository"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = "assertion.repository_id == '${var.repository_id}'"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

locals {
  # Who may be whom: jobs of pull requests look, jobs of the environment production deploy.
  # GitHub gives jobs of forks no token.
  accounts = {
    plan = {
      subject = "repo:${var.repository}:pull_request"
      roles   = ["roles/viewer", "roles/iam.securityReviewer"]
      state   = "roles/storage.objectViewer"
    }
    # It grants roles, and who does that can get any. So it is an owner, and the environment
    # asks a person.
    deploy = {
      subject = "repo:${var.repository}:environment:production"
      roles   = ["roles/owner"]
      state   = "roles/storage.objectAdmin"
    }
  }
}

resource "google_service_account" "this" {
  for_each = local.accounts

  project      = var.project
  account_id   = "github-${each.key}"
  display_name = "GitHub Actions: ${each.key}"

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "this" {
  for_each = local.accounts

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/${each.value.subject}"
}

resource "google_project_iam_member" "this" {
  for_each = merge([for name, account in local.accounts : { for role in account.roles : "${name} ${role}" => { name = name, role = role } }]...)

  project = var.project
  role    = each.value.role
  member  = google_service_account.this[each.value.name].member
}

# Postern's state, every version of it.
resource "google_storage_bucket" "state" {
  project                     = var.project
  name                        = "${var.project}-terraform-state"
  location                    = var.state_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "state" {
  for_each = local.accounts

  bucket = google_storage_bucket.state.name
  role   = each.value.state
  member = google_service_account.this[each.key].member
}

output "backend" {
  description = "What terraform/backend.tf of the repository says."
  value       = <<-EOT
    terraform {
      backend "gcs" {
        bucket = "${google_storage_bucket.state.name}"
        prefix = "postern"
      }
    }
  EOT
}

output "variables" {
  description = "Variables of the repository, which deploy.yml reads: gh variable set NAME --body VALUE."
  value = {
    GOOGLE_PROVIDER = google_iam_workload_identity_pool_provider.repository.name
    GOOGLE_PLAN     = google_service_account.this["plan"].email
    GOOGLE_DEPLOY   = google_service_account.this["deploy"].email
  }
}
