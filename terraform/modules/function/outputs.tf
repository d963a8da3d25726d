output "name" {
  description = "Name of the function, which is also that of its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "uri" {
  description = "Address of the function, https, without a path. Only the invoker gets an answer there."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
