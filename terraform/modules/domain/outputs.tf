output "address" {
  description = "IPv4 address for the A record of the host."
  value       = google_compute_global_address.this.address
}

output "certificate_record" {
  description = "With certificate_first: the record that lets the certificate be issued, NAME TYPE DATA."
  value       = one([for a in google_certificate_manager_dns_authorization.this : join(" ", [a.dns_resource_record[0].name, a.dns_resource_record[0].type, a.dns_resource_record[0].data])])
}
