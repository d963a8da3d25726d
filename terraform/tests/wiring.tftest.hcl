# The whole deployment, applied to mocked providers.

mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "google-beta" {
  source = "./tests/mocks"
}

variables {
  project          = "acme-mcp"
  region           = "europe-west1"
  public_origin    = "https://postern-0abc1def.ew.gateway.dev"
  github_client_id = "Ov23liAbCdEf0123456"
  allow            = ["org:acme", "user:octocat"]
}

# An address of its own for each function, so that a mix-up shows.
override_resource {
  target = module.function["authorize"].google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://authorize.a.run.app" } }
}

override_resource {
  target = module.function["mcp"].google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://mcp.a.run.app" } }
}

override_resource {
  target = module.function["register"].google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://register.a.run.app" } }
}

override_resource {
  target = module.function["token"].google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://token.a.run.app" } }
}

override_resource {
  target = module.function["wellknown"].google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://wellknown.a.run.app" } }
}

run "every_route_reaches_its_function" {
  command = apply

  # The variable in the template and the address in the result name the same one.
  assert {
    condition = alltrue(flatten([
      for path, item in yamldecode(file("gateway/openapi.yaml")).paths : [
        for method, operation in item :
        "https://${trim(operation["x-google-backend"].address, "$${}")}.a.run.app" == yamldecode(module.gateway.openapi).paths[path][method]["x-google-backend"].address
        if method != "parameters"
      ]
    ]))
    error_message = "an operation of the deployed path map has another function's address"
  }

  assert {
    condition     = yamldecode(module.gateway.openapi).paths["/token"].post["x-google-backend"].address == "https://token.a.run.app"
    error_message = "POST /token must reach the function token"
  }

  assert {
    condition     = yamldecode(module.gateway.openapi).paths["/mcp"].get["x-google-backend"].address == "https://mcp.a.run.app"
    error_message = "GET /mcp must reach the function mcp"
  }
}

run "outputs_say_what_to_do" {
  command = apply

  assert {
    condition     = output.mcp_url == "https://postern-0abc1def.ew.gateway.dev/mcp"
    error_message = "mcp_url is ${output.mcp_url}"
  }

  assert {
    condition     = output.callback_url == "https://postern-0abc1def.ew.gateway.dev/auth/callback"
    error_message = "callback_url is ${output.callback_url}"
  }

  assert {
    condition     = output.next_step == "postern doctor https://postern-0abc1def.ew.gateway.dev"
    error_message = "next_step is ${output.next_step}"
  }

  assert {
    condition     = output.domain_address == null
    error_message = "there is no load balancer without custom_domain"
  }

  assert {
    condition     = length(output.functions) == 6 && output.functions["token"] == "postern-token"
    error_message = "functions are ${jsonencode(output.functions)}"
  }
}

run "first_apply_without_a_domain_names_the_gateways_host" {
  command = apply

  variables {
    public_origin = "https://first-apply.invalid"
  }

  assert {
    condition = (
      strcontains(output.next_step, "public_origin = \"https://postern-0abc1def.ew.gateway.dev\"") &&
      strcontains(output.next_step, "https://postern-0abc1def.ew.gateway.dev/auth/callback")
    )
    error_message = "next_step is ${output.next_step}"
  }
}

run "custom_domain_puts_a_load_balancer_in_front" {
  command = apply

  variables {
    public_origin = "https://auth.example.com"
    custom_domain = true
  }

  assert {
    condition     = output.domain_address == "203.0.113.7" && strcontains(output.next_step, "A record of auth.example.com to 203.0.113.7")
    error_message = "next_step is ${output.next_step}"
  }
}

run "a_region_without_a_gateway_is_warned_about" {
  command = plan

  variables {
    region = "europe-north1"
  }

  expect_failures = [check.gateway_region]
}

run "the_gateway_may_be_in_another_region" {
  command = plan

  variables {
    region         = "europe-north1"
    gateway_region = "europe-west1"
  }
}
