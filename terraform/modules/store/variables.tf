variable "project" {
  description = "Project id."
  type        = string
}

variable "database" {
  description = "Id of the database."
  type        = string
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
