# Beside the variables, which are checked with it before anything is planned.
locals {
  # Those of shared/manifest, which its tests compare.
  function_names = ["register", "authorize", "token", "wellknown", "mcp", "connections", "cascade"]
}
