# Run by tools/tfcheck, which builds tflint and the rules; hence no source here.
plugin "google" {
  enabled = true
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Said once, where the modules are called: provider versions belong to the root,
# and modules repeat only the source.
rule "terraform_standard_module_structure" {
  enabled = false
}
