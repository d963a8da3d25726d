# With protection on, destroy refuses before anything is gone: this depends on all there
# is, so it is what goes first, and it does not go. (prevent_destroy would say so in the
# plan, but it cannot be turned off by a variable.)
resource "terraform_data" "protection" {
  input = var.delete_protection

  provisioner "local-exec" {
    when    = destroy
    command = self.output ? "echo delete_protection is on, nothing was destroyed. First: terraform apply -var delete_protection=false && exit 1" : "exit 0"
  }

  depends_on = [
    google_artifact_registry_repository.functions,
    google_billing_budget.this,
    google_cloud_scheduler_job.cascade,
    google_eventarc_google_channel_config.this,
    google_kms_crypto_key_iam_member.user,
    google_project_iam_member.builder,
    google_project_iam_member.database_user,
    google_project_iam_member.eventarc,
    google_project_service_identity.apigateway,
    google_service_account.builder,
    google_service_account.gateway,
    google_service_account.schedule,
    google_storage_bucket.source,
    module.alerts,
    module.cascade,
    module.domain,
    module.function,
    module.gateway,
    module.keys,
    module.postgres,
    module.store,
  ]
}
