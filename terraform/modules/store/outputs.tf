output "database" {
  description = "Id of the database."
  value       = google_firestore_database.this.name
}

output "location" {
  description = "Location of the database, where its events come from."
  value       = google_firestore_database.this.location_id
}
