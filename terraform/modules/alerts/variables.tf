variable "project" {
  description = "Project id."
  type        = string
}

variable "name_prefix" {
  description = "What the names of everything begin with."
  type        = string
}

variable "emails" {
  description = "Addresses that alerts are sent to; none: they show in Cloud Monitoring only."
  type        = list(string)
}

variable "host" {
  description = "Host that the uptime check asks, e.g. auth.example.com; null: none does."
  type        = string
}
