output "connection_name" {
  description = "PROJECT:REGION:INSTANCE."
  value       = google_sql_database_instance.this.connection_name
}

output "database" {
  description = "Name of the database."
  value       = google_sql_database.this.name
}
