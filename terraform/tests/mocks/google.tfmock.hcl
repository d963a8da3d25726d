# Values that are checked when they flow on must look real.

mock_resource "google_service_account" {
  defaults = {
    id     = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
    name   = "projects/acme-mcp/serviceAccounts/mock@acme-mcp.iam.gserviceaccount.com"
    email  = "mock@acme-mcp.iam.gserviceaccount.com"
    member = "serviceAccount:mock@acme-mcp.iam.gserviceaccount.com"
  }
}

mock_resource "google_project_service_identity" {
  defaults = {
    member = "serviceAccount:service-1@gcp-sa-eventarc.iam.gserviceaccount.com"
  }
}

mock_resource "google_cloudfunctions2_function" {
  defaults = {
    service_config = { uri = "https://mock-ew.a.run.app" }
  }
}

mock_resource "google_api_gateway_gateway" {
  defaults = {
    default_hostname = "postern-0abc1def.ew.gateway.dev"
  }
}

mock_resource "google_compute_global_address" {
  defaults = {
    address = "203.0.113.7"
  }
}
