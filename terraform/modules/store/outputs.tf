output "database" {
  description = "Id of the database that is used."
  value       = local.database
}

output "location" {
  description = "Location of the database, where its events come from."
  value       = google_firestore_database.this.location_id
}
