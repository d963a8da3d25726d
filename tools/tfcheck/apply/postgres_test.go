package apply

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// TestPostgres: with records in Cloud SQL one apply makes everything too, the next plan is empty, and
// without protection all goes again but the network's connection, which Google holds on to. The documented
// roles are enough.
func TestPostgres(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
	d.must(toolbox.PackagesOver(manifest.Postgres, filepath.Join(d.tmp, "packages")))
	d.set(settings + `
store    = "postgres"
postgres = { network = "default", subnetwork = "default", operators = ["ops@acme.com"] }
`)
	d.deployAs(`store = "postgres"`)
	d.run("apply", "-auto-approve", "-parallelism=40", state, "-target=module.keys")
	d.addVersions()
	d.apply()
	d.wantPlan()
	const instance = "sqladmin/projects/acme-mcp/instances/postern"
	for _, name := range []string{
		instance + "/databases/postern",
		instance + "/users/ops@acme.com",
		instance + "/users/postern-mcp@acme-mcp.iam",
		"cloudscheduler/projects/acme-mcp/locations/europe-west1/jobs/postern-cascade",
	} {
		if d.cloud.Resource(name) == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range d.cloud.Names() {
		if strings.HasPrefix(name, "firestore/") || strings.HasPrefix(name, "eventarc/") {
			t.Errorf("there is %s beside Cloud SQL", name)
		}
	}

	if out, err := d.tryDestroy(); err == nil || !strings.Contains(out, "nothing was destroyed") {
		t.Errorf("destroy: %v\n%s\nwant a refusal", err, errorsOf(out))
	}
	d.apply("-var=delete_protection=false")
	if out, err := d.tryDestroy(); err != nil {
		t.Fatalf("destroy without protection: %v\n%s", err, errorsOf(out))
	}
	want := []string{"servicenetworking/services/servicenetworking.googleapis.com/connections/default"}
	if got := d.cloud.Names(); !slices.Equal(got, want) {
		t.Errorf("destroy left\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
