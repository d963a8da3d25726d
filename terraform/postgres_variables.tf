variable "store" {
  description = "What records are kept in: firestore or postgres. The functions' zips are of one of them (make package STORE=postgres)."
  type        = string
  default     = "firestore"

  validation {
    condition     = contains(["firestore", "postgres"], var.store)
    error_message = "store must be firestore or postgres, e.g. store = \"postgres\"."
  }

  validation {
    condition     = !contains(["firestore", "postgres"], var.store) || try(trimspace(file("${var.packages_dir}/STORE")), var.store) == var.store
    error_message = "the zips in packages_dir are over another store than store says: run make package STORE=${var.store}."
  }

  validation {
    condition     = (var.store == "postgres") == (var.postgres != null)
    error_message = "store = \"postgres\" and postgres go together: say both or neither, e.g. postgres = { network = \"default\", subnetwork = \"default\" }."
  }
}

variable "postgres" {
  description = <<-EOT
    With store = "postgres": the Cloud SQL instance. network and subnetwork are names in this project; the instance has a
    private address there, and the functions reach it through the subnetwork, in the functions' region. operators are the
    e-mail addresses of people who may run postern store migrate and the operator's commands. public_ip gives the instance
    a public address as well, which answers nobody but Cloud SQL's connector, for operators outside the network.
  EOT
  type = object({
    network      = string
    subnetwork   = string
    tier         = optional(string, "db-custom-1-3840")
    availability = optional(string, "REGIONAL")
    operators    = optional(list(string), [])
    public_ip    = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.postgres == null || try(contains(["REGIONAL", "ZONAL"], var.postgres.availability), false)
    error_message = "postgres.availability must be REGIONAL (a standby in another zone takes over) or ZONAL, e.g. availability = \"REGIONAL\"."
  }

  validation {
    condition     = var.postgres == null || try(can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.postgres.network)) && can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.postgres.subnetwork)), false)
    error_message = "postgres.network and postgres.subnetwork must be names in this project, e.g. network = \"default\" (not a link)."
  }

  validation {
    condition     = var.postgres == null || try(can(regex("^db-[a-z0-9-]+$", var.postgres.tier)), false)
    error_message = "postgres.tier must be a machine of Cloud SQL, e.g. tier = \"db-custom-1-3840\"."
  }

  validation {
    condition     = var.postgres == null || try(alltrue([for o in var.postgres.operators : can(regex("^[^@:\\s]+@[a-z0-9.-]+$", o))]), false)
    error_message = "postgres.operators must be e-mail addresses of people in lower case, e.g. operators = [\"ops@example.com\"]."
  }
}
