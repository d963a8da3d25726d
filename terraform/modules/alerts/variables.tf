variable "project" {
  description = "Project id."
  type        = string
}

variable "emails" {
  description = "Addresses that alerts are sent to; none: they show in Cloud Monitoring only."
  type        = list(string)
}
