package apply

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
)

// TestAsAModule: another configuration can call this one, with for_each and depends_on, which a
// module that configured providers would not let it.
func TestAsAModule(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
	d.must(os.Remove(filepath.Join(d.tmp, "terraform", "providers_of_tests.tf")))
	d.must(os.Rename(filepath.Join(d.tmp, "terraform"), filepath.Join(d.tmp, "postern")))
	d.must(os.Mkdir(filepath.Join(d.tmp, "terraform"), 0o700))
	d.must(os.WriteFile(filepath.Join(d.tmp, "terraform", "main.tf"), []byte(`
resource "terraform_data" "first" {}

module "postern" {
  source   = "../postern"
  for_each = toset(["acme-mcp"])

  project          = each.value
  region           = "europe-west1"
  public_origin    = "https://auth.example.com"
  custom_domain    = true
  github_client_id = "Ov23liAbCdEf0123456"
  allow            = ["org:acme"]
  packages_dir     = "../packages"

  depends_on = [terraform_data.first]
}
`), 0o600))
	d.run("get")
	d.run("validate")
}
