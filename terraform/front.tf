# What stands in front of the functions: API Gateway, with a load balancer before it where there is a
# domain, or that load balancer alone.
locals {
  straight = var.front == "load-balancer"

  # The path map with names of functions for their addresses. Every path has options, and all its
  # methods lead to one function (package gateway checks it).
  path_map = yamldecode(templatefile("${path.module}/gateway/openapi.yaml", { for name in keys(local.http_functions) : name => name }))
  paths    = { for path, item in local.path_map.paths : path => item.options["x-google-backend"].address }

  # The more specific path first: a literal segment before one that stands for any, and that before
  # the rest of a path.
  ranked = { for path in keys(local.paths) :
    join("/", [for s in split("/", path) : endswith(s, "=**}") ? "2" : startswith(s, "{") ? "1" : "0${s}"]) => path
  }

  # In the load balancer's words. What no other path matches goes to the function of the rest.
  routes = [for rank in sort(keys(local.ranked)) : {
    function = local.paths[local.ranked[rank]]
    full     = strcontains(rank, "/1") || strcontains(rank, "/2") ? null : local.ranked[rank]
    prefix   = strcontains(rank, "/2") && !strcontains(rank, "/1") ? replace(local.ranked[rank], "/{rest=**}", "/") : null
    template = strcontains(rank, "/1") ? replace(replace(local.ranked[rank], "{rest=**}", "**"), "/[{][a-z_]+[}]/", "*") : null
  } if local.ranked[rank] != "/{rest=**}"]

  rest = local.paths["/{rest=**}"]
}

# The one account that may call the HTTP functions behind API Gateway.
resource "google_service_account" "gateway" {
  count = local.straight ? 0 : 1

  project      = var.project
  account_id   = "${var.name_prefix}-gateway"
  display_name = "Postern gateway"

  depends_on = [google_project_service.this]
}

moved {
  from = google_service_account.gateway
  to   = google_service_account.gateway[0]
}

# Addresses that follow from the names, not those that a made function tells: what the
# gateway's config depends on is replaced as the config is, the new one first, and a
# function whose first deployment failed cannot be replaced in that order.
locals {
  addresses = { for name in keys(local.http_functions) :
    name => "https://${var.name_prefix}-${name}-${google_storage_bucket.source.project_number}.${var.region}.run.app"
  }
}

module "gateway" {
  source = "./modules/gateway"
  count  = local.straight ? 0 : 1

  project         = var.project
  name_prefix     = var.name_prefix
  region          = coalesce(var.gateway_region, var.region)
  service_account = google_service_account.gateway[0].email
  addresses       = local.addresses

  # With a domain the gateway's own host is nobody's issuer.
  delete_protection = var.delete_protection && !var.custom_domain

  depends_on = [google_project_service.this]
}

moved {
  from = module.gateway
  to   = module.gateway[0]
}

# What only the load balancer and the functions know. It is made once and kept in the state, and
# with a domain or without: the provider gives a function that is there no setting that is only
# known when it is applied. For another one,
# terraform apply -replace='terraform_data.load_balancer_proof[0]' -target='terraform_data.load_balancer_proof[0]'
# and terraform apply.
resource "terraform_data" "load_balancer_proof" {
  count = 1
  input = uuid()

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  # Each front has its own, so that a function that has changed over does not serve what still comes
  # by the other one. A plan does not show it, wherever it is shown.
  proof = sensitive(local.straight ? sha256("${var.front} ${terraform_data.load_balancer_proof[0].output}") : terraform_data.load_balancer_proof[0].output)
}

module "domain" {
  source = "./modules/domain"
  count  = var.custom_domain ? 1 : 0

  project     = var.project
  name_prefix = var.name_prefix
  host        = trimprefix(var.public_origin, "https://")
  proof       = local.proof

  gateway = local.straight ? null : {
    id     = module.gateway[0].gateway_id
    region = coalesce(var.gateway_region, var.region)
  }
  functions = local.straight ? {
    region   = var.region
    services = { for name, function in module.function : name => function.name }
    routes   = local.routes
    rest     = local.rest
  } : null

  security_policy   = var.security_policy
  certificate_first = var.certificate_first
  dns_zone          = var.dns_zone

  depends_on = [google_project_service.this]
}

# API Gateway is not in every region, and says so only after all else is made.
# The list may grow, hence a warning and no refusal.
check "gateway_region" {
  assert {
    condition = local.straight || contains([
      "asia-northeast1", "australia-southeast1", "europe-west1", "europe-west2",
      "us-central1", "us-east1", "us-east4", "us-west2", "us-west3", "us-west4",
    ], coalesce(var.gateway_region, var.region))
    error_message = "API Gateway was not known to be offered in this region when this was written: set gateway_region to one nearby, e.g. gateway_region = \"europe-west1\", or with a domain do without it, front = \"load-balancer\"."
  }
}
