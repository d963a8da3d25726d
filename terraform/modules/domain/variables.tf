variable "project" {
  description = "Project id."
  type        = string
}

variable "name_prefix" {
  description = "What the names of everything begin with."
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

variable "certificate_first" {
  description = "Issue the certificate by a record of its own, before the host leads here."
  type        = bool
  default     = false
}

variable "dns_zone" {
  description = "Zone of Cloud DNS that gets the records, PROJECT/ZONE; null: none does."
  type        = string
  default     = null
}
