# A function that mounts a secret without a version does not start, so versions are looked for
# before any function is made: with the plan once the secrets are there, else as soon as
# they are. Terraform shows the first line of what fails, so that line says what to do.
# The values are not read.

data "google_secret_manager_secret_version" "ring" { # none yet? go run ./cmd/postern keys create --project PROJECT (and --name-prefix, if name_prefix is set)
  for_each = local.rings

  project           = var.project
  secret            = module.keys.ids[each.key]
  fetch_secret_data = false

  depends_on = [module.keys]
}

data "google_secret_manager_secret_version" "given" { # none yet? gcloud secrets versions add NAME --data-file=- (docs/deploy.md, 5)
  # That of another provider has none.
  for_each = toset(values(local.provider_secret))

  project           = var.project
  secret            = module.keys.ids[each.key]
  fetch_secret_data = false

  depends_on = [module.keys]
}

locals {
  # What postern keys create makes.
  rings = toset(["fernet-keys", "signing-keys", "verification-keys", "identity-keys"])
}
