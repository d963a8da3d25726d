variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region of the gateway."
  type        = string
}

variable "gateway_id" {
  description = "Id of the gateway."
  type        = string
}

variable "host" {
  description = "Host name to serve, e.g. auth.example.com."
  type        = string
}
