variable "project" {
  description = "Project id."
  type        = string
}

variable "database" {
  description = "Id of the database."
  type        = string
}

variable "restored" {
  description = "Id of a database that is there already and is used instead; null: none."
  type        = string
  default     = null
}

variable "location" {
  description = "Firestore location, e.g. europe-west1. It cannot change later."
  type        = string
}

variable "delete_protection" {
  description = "Refuse to delete the database."
  type        = bool
}

variable "point_in_time_recovery" {
  description = "Keep seven days of versions."
  type        = bool
}

variable "backup_days" {
  description = "Days that a daily backup is kept; 0 makes none."
  type        = number
}

variable "kms_key" {
  description = "Key that seals the database; null: Google's."
  type        = string
  default     = null
}
