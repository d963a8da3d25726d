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
  description = "Region of the instance."
  type        = string
}

variable "network" {
  description = "Name of the network that the instance has an address in."
  type        = string
}

variable "tier" {
  description = "Machine of the instance, e.g. db-custom-1-3840."
  type        = string
}

variable "availability" {
  description = "REGIONAL, with a standby in another zone that takes over, or ZONAL."
  type        = string
}

variable "public_ip" {
  description = "Give it a public address too, for Cloud SQL's connector alone."
  type        = bool
}

variable "operators" {
  description = "E-mail addresses of people who may do everything in the database."
  type        = list(string)
}

variable "users" {
  description = "Service accounts that are users of the database, without .gserviceaccount.com."
  type        = list(string)
}

variable "max_connections" {
  description = "Most connections at once."
  type        = number
}

variable "delete_protection" {
  description = "Refuse to delete the instance."
  type        = bool
}

variable "kms_key" {
  description = "Key that seals the instance; null: Google's."
  type        = string
  default     = null
}
