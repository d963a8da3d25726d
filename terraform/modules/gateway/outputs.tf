output "hostname" {
  description = "The gateway's own host, without https://."
  value       = google_api_gateway_gateway.this.default_hostname
}

output "gateway_id" {
  description = "Id of the gateway in its region."
  value       = google_api_gateway_gateway.this.gateway_id
}

output "openapi" {
  description = "The path map with the functions' addresses, as deployed."
  value       = local.openapi
}
