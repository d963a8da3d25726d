variable "project" {
  description = "Project id."
  type        = string
}

variable "name_prefix" {
  description = "What the names of everything begin with."
  type        = string
}

variable "labels" {
  description = "Labels of what is made."
  type        = map(string)
}

variable "region" {
  description = "Region of the function."
  type        = string
}

variable "name" {
  description = "Short name, e.g. token. Resources are called PREFIX-NAME."
  type        = string
}

variable "entry_point" {
  description = "Name that the package registers; null is name."
  type        = string
  default     = null
}

variable "description" {
  description = "One line for the console."
  type        = string
}

variable "package" {
  description = "The zip to deploy, a path."
  type        = string
}

variable "release" {
  description = "Release that the zip is of, e.g. v1.2.3, or devel."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket that sources go to."
  type        = string
}

variable "builder" {
  description = "Service account that builds, projects/P/serviceAccounts/EMAIL."
  type        = string
}

variable "kms_key" {
  description = "Key that seals source and image; null: Google's."
  type        = string
  default     = null
}

variable "images" {
  description = "Repository of Artifact Registry for the images, projects/P/locations/R/repositories/N; with kms_key one of that key. Null: the platform's own."
  type        = string
  default     = null
}

variable "environment" {
  description = "Settings of the function (docs/configuration.md). No secrets."
  type        = map(string)
}

variable "secrets" {
  description = "Secrets the function may read: setting that gets the file's name => secret id."
  type        = map(string)
  default     = {}
}

variable "values" {
  description = "Secrets whose value is a setting itself, since what reads it takes no file: setting => secret id."
  type        = map(string)
  default     = {}
}

variable "files" {
  description = "Ids of further secrets of the project that the function may read, each a file below /secrets."
  type        = set(string)
  default     = []
}

variable "database" {
  description = "Firestore database and the role on it; null: the function does not use Firestore."
  type = object({
    id   = string
    role = string
  })
  default = null
}

variable "network" {
  description = "Network and subnetwork, or connector, through which the function reaches private addresses, or all; null: none."
  type = object({
    network     = optional(string)
    subnetwork  = optional(string)
    connector   = optional(string)
    all_traffic = optional(bool, false)
  })
  default = null
}

variable "ingress" {
  description = "From where it may be called: all; internal, from inside the project; load-balancer, from there and by load balancers of the project. IAM decides who may, too."
  type        = string

  validation {
    condition     = contains(["all", "internal", "load-balancer"], var.ingress)
    error_message = "ingress must be all, internal or load-balancer."
  }
}

variable "invoker" {
  description = "The one principal that may call the function over HTTP, serviceAccount:EMAIL, or everybody where ingress and the function itself decide. Not for an event function: there it is the trigger's account."
  type        = string
  default     = null
}

variable "events" {
  description = "Makes it an event function: Firestore documents (path patterns like grants/{id}) of a database whose changes call it. The region is the database's location."
  type = object({
    database  = string
    region    = string
    documents = list(string)
  })
  default = null
}

variable "timeout" {
  description = "Seconds until the platform ends a request. For HTTP functions below the deadline in openapi.yaml."
  type        = number
}

variable "memory" {
  description = "Memory of an instance, e.g. 256M."
  type        = string
}

variable "instances" {
  description = "Fewest and most instances."
  type = object({
    min = number
    max = number
  })
}

variable "grants_take" {
  description = "Seconds until a grant has taken effect."
  type        = number
}
