variable "project" {
  description = "Project id."
  type        = string
}

variable "name_prefix" {
  description = "What the names of everything begin with."
  type        = string
}

variable "region" {
  description = "Region with API Gateway."
  type        = string
}

variable "service_account" {
  description = "E-mail address of the account that invokes the functions."
  type        = string
}

variable "addresses" {
  description = "Address of each HTTP function, by the name that openapi.yaml has for it."
  type        = map(string)
}

variable "delete_protection" {
  description = "Refuse to replace the gateway by one in another region."
  type        = bool
}
