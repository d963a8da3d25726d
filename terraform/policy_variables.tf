# What the policies of an organisation ask for. Without one, none of it is needed.

variable "secret_locations" {
  description = "Regions that secrets are kept in, for an organisation that says where data may be, e.g. [\"europe-west1\", \"europe-west4\"]. Empty lets Google choose. It cannot change later: a secret stays where it was made."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for l in var.secret_locations : can(regex("^[a-z]+-[a-z]+[0-9]+$", l))]) && length(distinct(var.secret_locations)) == length(var.secret_locations)
    error_message = "secret_locations must be different regions, e.g. secret_locations = [\"europe-west1\", \"europe-west4\"]."
  }
}

variable "egress" {
  description = <<-EOT
    How functions reach other places: through a subnetwork of this project, in their region (network and subnetwork, by
    name; each instance takes an address of it), or through a Serverless VPC Access connector (connector, by name or
    projects/P/locations/R/connectors/C). all_traffic sends everything there; then the network needs Cloud NAT, or
    nobody can sign in. Otherwise only private addresses go there. Null: the way of the platform, and with
    store = "postgres" private addresses by postgres.subnetwork.
  EOT
  type = object({
    network     = optional(string)
    subnetwork  = optional(string)
    connector   = optional(string)
    all_traffic = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.egress == null || try((var.egress.network == null) == (var.egress.subnetwork == null) && (var.egress.network == null) != (var.egress.connector == null), false)
    error_message = "egress takes network and subnetwork, or a connector, e.g. egress = { network = \"default\", subnetwork = \"default\", all_traffic = true }."
  }

  validation {
    condition     = var.egress == null || try(alltrue([for n in [var.egress.network, var.egress.subnetwork] : n == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", n))]), false)
    error_message = "egress.network and egress.subnetwork must be names in this project, e.g. network = \"default\" (not a link)."
  }

  validation {
    condition     = var.egress == null || var.postgres == null || try(var.egress.network == var.postgres.network, false)
    error_message = "with store = \"postgres\", egress must be by the network that the database is in: egress = { network = postgres.network, subnetwork = ... }."
  }
}

variable "kms_key" {
  description = "Key of Cloud KMS that seals all that keeps something (CMEK), for an organisation that demands its own: projects/P/locations/R/keyRings/N/cryptoKeys/K, in the region of everything else. Secrets are kept in that region alone then. It cannot change later."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$", var.kms_key))
    error_message = "kms_key must be the full name of a key, without a version, e.g. kms_key = \"projects/acme-keys/locations/europe-west1/keyRings/postern/cryptoKeys/postern\" (gcloud kms keys list)."
  }

  validation {
    condition     = var.kms_key == null || try(toset([split("/", var.kms_key)[3]]) == toset(concat([var.region, coalesce(var.firestore_location, var.region)], var.secret_locations)), true)
    error_message = "kms_key must be in the region that everything is in, since a key seals only what is where it is: make one in region, and leave firestore_location and secret_locations out."
  }
}
