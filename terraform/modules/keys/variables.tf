variable "project" {
  description = "Project id."
  type        = string
}

variable "delete_protection" {
  description = "Refuse to delete the secrets."
  type        = bool
}
