output "address" {
  description = "IPv4 address for the A record of the host."
  value       = google_compute_global_address.this.address
}
