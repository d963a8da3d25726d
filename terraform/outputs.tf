output "mcp_url" {
  description = "What people enter in their MCP client."
  value       = "${var.public_origin}/mcp"
}

output "callback_url" {
  description = "What to enter as authorization callback URL of the GitHub OAuth app."
  value       = "${var.public_origin}/auth/callback"
}

output "gateway_hostname" {
  description = "The gateway's own host, if there is a gateway. Without custom_domain, public_origin is https:// and this."
  value       = one(module.gateway[*].hostname)
}

output "domain_address" {
  description = "With custom_domain: the IPv4 address for the A record of public_origin's host."
  value       = one(module.domain[*].address)
}

output "certificate_record" {
  description = "With certificate_first: the record that lets the certificate be issued, NAME TYPE DATA. Made already where there is a dns_zone."
  value       = one(module.domain[*].certificate_record)
}

output "secrets" {
  description = "Ids of the Secret Manager secrets whose versions are made outside Terraform."
  value       = module.keys.ids
}

output "functions" {
  description = "Names of the functions, which are also those of their Cloud Run services."
  value       = merge({ for name, function in module.function : name => function.name }, { cascade = module.cascade.name })
}

output "next_step" {
  description = "What to do now."
  value = (
    var.dns_zone != null
    ? "Wait for the certificate, then: postern doctor ${var.public_origin}"
    : var.certificate_first
    ? "Make the record ${one(module.domain[*].certificate_record)}, wait until gcloud certificate-manager certificates list says ACTIVE, point the A record of ${trimprefix(var.public_origin, "https://")} to ${one(module.domain[*].address)}, then: postern doctor ${var.public_origin}"
    : var.custom_domain
    ? "Point the A record of ${trimprefix(var.public_origin, "https://")} to ${one(module.domain[*].address)}, wait for the certificate, then: postern doctor ${var.public_origin}"
    : var.public_origin != "https://${module.gateway[0].hostname}"
    ? "Set public_origin = \"https://${module.gateway[0].hostname}\" in terraform.tfvars, enter https://${module.gateway[0].hostname}/auth/callback at GitHub, then: terraform apply"
    : "postern doctor ${var.public_origin}"
  )
}
