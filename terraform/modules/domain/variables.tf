variable "project" {
  description = "Project id."
  type        = string
}

variable "name_prefix" {
  description = "What the names of everything begin with."
  type        = string
}

variable "gateway" {
  description = "Id and region of the gateway that it leads to; null with functions."
  type = object({
    id     = string
    region = string
  })
  default = null
}

variable "functions" {
  description = "The functions that it leads straight to: their region, the Cloud Run service of each, which of them has which paths, the more specific first (full: this one; prefix: what begins with it; template: * for a segment and ** for the rest), and which has the rest. Null with a gateway."
  type = object({
    region   = string
    services = map(string)
    routes = list(object({
      function = string
      full     = string
      prefix   = string
      template = string
    }))
    rest = string
  })
  default = null

  validation {
    condition     = (var.functions == null) != (var.gateway == null)
    error_message = "domain: give either a gateway or functions."
  }
}

variable "security_policy" {
  description = "Name of a Cloud Armor policy of the project; null: none."
  type        = string
  default     = null
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
