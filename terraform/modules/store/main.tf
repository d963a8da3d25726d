locals {
  # A database that was restored beside the first one takes its place; the first one stays.
  database = coalesce(var.restored, google_firestore_database.this.name)

  # Every collection there is; the store has one document per record.
  collections = toset(["clients", "codes", "grants", "people", "refusals"])
}

resource "google_firestore_database" "this" {
  project     = var.project
  name        = var.database
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  # Every commit carries conditions on what it read and no transaction of the
  # database's is used. Should one ever be, it must not leave locks behind when
  # its instance is killed.
  concurrency_mode = "OPTIMISTIC"

  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"

  dynamic "cmek_config" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      kms_key_name = cmek_config.value
    }
  }

  # ABANDON, the default, would leave the data behind on destroy without a
  # word. Protection is what keeps it.
  delete_protection_state = var.delete_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = "DELETE"
}

# Firestore deletes a document within a day after this time. Until then readers
# compare the time themselves. No index: an index on a time that only grows is
# a hot spot that limits writes.
resource "google_firestore_field" "delete_after" {
  for_each = local.collections

  project    = var.project
  database   = local.database
  collection = each.value
  field      = "delete_after"

  ttl_config {}
  index_config {}
}

# The sealed record: never searched, and large values make writes slow if indexed.
resource "google_firestore_field" "body" {
  for_each = local.collections

  project    = var.project
  database   = local.database
  collection = each.value
  field      = "body"

  index_config {}
}

# Against a mistake that is noticed late; point-in-time recovery is for the last days.
resource "google_firestore_backup_schedule" "daily" {
  count = var.backup_days == 0 ? 0 : 1

  project   = var.project
  database  = local.database
  retention = "${var.backup_days * 86400}s"

  daily_recurrence {}
}
