# Beside the variables, which are checked with it before anything is planned.
locals {
  # Those of shared/manifest, which its tests compare.
  function_names = ["register", "authorize", "token", "wellknown", "mcp", "connections", "cascade"]

  # Of the Firestore database that is made.
  database = coalesce(var.database, var.name_prefix)
}

variable "name_prefix" {
  description = "What the names of everything begin with, e.g. tools, for several installs in one project: each has another, and its secrets are called PREFIX-fernet-keys and so on. It cannot change later. With postern, secrets have no prefix."
  type        = string
  default     = "postern"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{3,13}$", var.name_prefix))
    error_message = "name_prefix must be 4 to 14 lower-case letters and digits that begin with a letter, e.g. name_prefix = \"tools\"."
  }
}

variable "labels" {
  description = "Labels of functions, secrets, the bucket and Cloud SQL, e.g. { team = \"ops\" }, beside app = postern. Bills can be split by them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for k, v in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", k)) && can(regex("^[a-z0-9_-]{0,63}$", v))])
    error_message = "labels has a name or a value with something else than lower-case letters, digits, _ and -, e.g. labels = { team = \"ops\" }."
  }

  validation {
    condition     = length(setintersection(keys(var.labels), ["app", "version"])) == 0
    error_message = "labels has app or version, which are made here: leave it out."
  }
}
