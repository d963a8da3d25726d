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

// TestAKeyOfOnesOwn: where the organisation refuses what no key of its own seals, one apply makes everything, by
// somebody who has the documented roles; the next plan is empty, and all goes again but the key, which is
// not ours, and what Google cannot delete.
func TestAKeyOfOnesOwn(t *testing.T) {
	t.Parallel()
	const (
		key     = "projects/acme-keys/locations/europe-west1/keyRings/postern/cryptoKeys/postern"
		channel = "eventarc/projects/acme-mcp/locations/europe-west1/googleChannelConfig"
		sql     = `
store    = "postgres"
postgres = { network = "default", subnetwork = "default" }
`
	)
	for _, tt := range []struct {
		store    manifest.Store
		settings string
		options  []string // of which docs/deploy.md has roles
		sealed   []string
		left     []string
	}{
		{
			manifest.Firestore, "", []string{},
			[]string{"firestore/projects/acme-mcp/databases/postern", channel},
			[]string{"cloudkms/" + key, channel},
		},
		{
			manifest.Postgres, sql, []string{"store = \"postgres\""},
			[]string{"sqladmin/projects/acme-mcp/instances/postern"},
			[]string{"cloudkms/" + key, "servicenetworking/services/servicenetworking.googleapis.com/connections/default"},
		},
	} {
		t.Run(string(tt.store), func(t *testing.T) {
			t.Parallel()
			d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
			d.cloud.DemandKeys()
			d.cloud.Put("cloudkms/"+key, map[string]any{"name": key})
			d.deployAs(append(tt.options, "kms_key")...)
			d.cloud.Grant("cloudkms/"+key, deployer, "roles/cloudkms.admin")
			d.must(toolbox.PackagesOver(tt.store, filepath.Join(d.tmp, "packages")))
			d.set(settings + tt.settings + `
kms_key           = "` + key + `"
delete_protection = false
`)
			d.run("apply", "-auto-approve", "-parallelism=40", state, "-target=module.keys")
			d.addVersions()
			d.apply()
			d.wantPlan()
			for _, name := range append([]string{
				"artifactregistry/projects/acme-mcp/locations/europe-west1/repositories/postern-functions",
				"cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/postern-token",
				"secretmanager/projects/acme-mcp/secrets/signing-keys",
				"storage/b/acme-mcp-postern-source",
			}, tt.sealed...) {
				if got := d.cloud.Resource(name); !strings.Contains(got, `"`+key+`"`) {
					t.Errorf("%s is not sealed by the key: %s", name, got)
				}
			}
			if out, err := d.tryDestroy(); err != nil {
				t.Fatalf("destroy: %v\n%s", err, errorsOf(out))
			}
			if got := d.cloud.Names(); !slices.Equal(got, tt.left) {
				t.Errorf("destroy left\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.left, "\n\t"))
			}
		})
	}
}
