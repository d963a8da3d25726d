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

variable "locations" {
  description = "Regions that the secrets are kept in; none: Google chooses."
  type        = list(string)
  default     = []
}

variable "delete_protection" {
  description = "Refuse to delete the secrets."
  type        = bool
}

variable "kms_key" {
  description = "Key that seals the secrets, in each of locations; null: Google's."
  type        = string
  default     = null
}
