output "member" {
  description = "The account that the function runs as, serviceAccount:EMAIL."
  value       = google_service_account.runtime.member
}

output "name" {
  description = "Name of the function, which is also that of its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}
