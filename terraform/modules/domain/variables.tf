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

variable "proof" {
  description = "What the load balancer proves itself by to the functions, LOAD_BALANCER_PROOF."
  type        = string
}

variable "host" {
  description = "Host name to serve, e.g. auth.example.com."
  type        = string
}
