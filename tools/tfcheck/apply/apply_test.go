package apply

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// TestApplyFromNothing: one apply makes everything although grants take two minutes, and a
// second plan is empty.
func TestApplyFromNothing(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	if len(applied.plan) > 0 {
		t.Errorf("the second plan does\n\t%s\nwant nothing", strings.Join(applied.plan, "\n\t"))
	}
	for _, name := range []string{
		"cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/postern-token",
		"apigateway/projects/acme-mcp/locations/europe-west1/gateways/postern",
		"eventarc/projects/acme-mcp/locations/europe-west1/triggers/postern-cascade-clients",
		"compute/projects/acme-mcp/global/forwardingRules/postern-https",
	} {
		if d.cloud.Resource(name) == "" {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestTheGatewayKnowsItsFunctions: the addresses in the path map as it was deployed are those that
// Cloud Run gives a service by its name and the project's number, and the open converter makes a service of it.
func TestTheGatewayKnowsItsFunctions(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	var document string
	for _, name := range d.cloud.Names() {
		if strings.Contains(name, "/configs/postern-") {
			document = d.cloud.OpenAPI(name)
		}
	}
	for _, name := range manifest.Names(manifest.HTTP) {
		want := `address: "https://postern-` + name + `-` + controlplane.Number + `.europe-west1.run.app"`
		if !strings.Contains(document, want) {
			t.Errorf("the deployed path map has no %s", want)
		}
	}
	converter, err := d.box.Converter(t.Context())
	d.must(err)
	refused, err := converter.Convert(t.Context(), document)
	d.must(err)
	if refused != "" {
		t.Errorf("the converter refuses the deployed path map:\n%s", refused)
	}
}

// TestSecretsWithoutVersionsStopTheFirstApply: before a function is made, and with what to do.
func TestSecretsWithoutVersionsStopTheFirstApply(t *testing.T) {
	t.Parallel()
	fromNothing(t)
	if applied.err == nil {
		t.Fatal("the apply without versions succeeded")
	}
	for _, want := range []string{
		"go run ./cmd/postern keys create --project PROJECT",
		"gcloud secrets versions add NAME --data-file=-",
	} {
		if !strings.Contains(applied.out, want) {
			t.Errorf("the error does not say %q:\n%s", want, errorsOf(applied.out))
		}
	}
	if strings.Contains(applied.out, "google_cloudfunctions2_function.this: Creating") {
		t.Errorf("a function was made for which there were no keys:\n%s", applied.out)
	}
}

// TestAnotherPackageUpdatesItsFunctionAlone: equal packages change nothing.
func TestAnotherPackageUpdatesItsFunctionAlone(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	packages := filepath.Join(d.tmp, "packages")
	d.must(toolbox.Packages(packages))
	d.wantPlan()

	moved := filepath.Join(d.tmp, "elsewhere")
	d.must(os.Rename(packages, moved))
	packages = moved
	d.set(strings.Replace(settings, "../packages", "../elsewhere", 1))
	d.wantPlan()

	d.must(toolbox.Package(filepath.Join(packages, "token.zip"), "another"))
	d.wantPlan(
		`create/delete module.function["token"].google_storage_bucket_object.source`,
		`update module.function["token"].google_cloudfunctions2_function.this`,
	)
	before := len(d.cloud.Calls())
	d.apply()
	got := written(d.cloud.Calls()[before:])
	if len(got) != 3 || !strings.HasPrefix(got[0], "DELETE storage/b/acme-mcp-postern-source/o/token-") ||
		got[1] != "PATCH cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/postern-token" ||
		got[2] != "POST storage/b/acme-mcp-postern-source/o" {
		t.Errorf("the apply wrote\n\t%s\nwant the new zip, its function and the end of the old zip", strings.Join(got, "\n\t"))
	}
	d.wantPlan()
}

// TestChangedSettingsUpdateInPlace: nothing is replaced, and the host of the gateway stays.
func TestChangedSettingsUpdateInPlace(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	const gateway = "apigateway/projects/acme-mcp/locations/europe-west1/gateways/postern"
	before := d.cloud.Resource(gateway)
	d.set(settings + `
log_level              = "debug"
point_in_time_recovery = true
instances              = { mcp = { min = 1, max = 20 } }
`)
	for _, change := range d.plan() {
		if !strings.HasPrefix(change, "update ") {
			t.Errorf("the plan does %s, want updates alone", change)
		}
	}
	d.apply()
	d.wantPlan()
	if after := d.cloud.Resource(gateway); after != before {
		t.Errorf("the gateway is\n%s\nand was\n%s", after, before)
	}
}

// TestEveryOption: what is not in the settings of docs/deploy.md, all of it added later, by somebody who has the
// documented roles; and again a second plan is empty. Without protection everything goes again.
func TestEveryOption(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	d.cloud.Put("clouddns/projects/acme-mcp/managedZones/example-com", map[string]any{"name": "example-com", "dnsName": "example.com."})
	d.deployAs("certificate_first", "dns_zone")
	d.cloud.Grant("billingbudgets/billingAccounts/0123AB-4567CD-89EF01", deployer, "roles/billing.costsManager")
	before := d.kept()
	d.set(settings + `
budget            = { billing_account = "0123AB-4567CD-89EF01", amount = 50 }
certificate_first = true
dns_zone          = "acme-mcp/example-com"
backup_days       = 30
delete_protection = false
`)
	d.apply()
	d.wantPlan()
	after := d.kept()
	maps.DeleteFunc(after, func(name, _ string) bool { return before[name] == "" })
	if !maps.Equal(before, after) {
		t.Errorf("what has to stay is\n%v\nand was\n%v", after, before)
	}
	for _, record := range []string{"auth.example.com. A", "_acme-challenge.auth.example.com. CNAME"} {
		if d.cloud.Resource("clouddns/projects/acme-mcp/managedZones/example-com/rrsets/"+url.PathEscape(record)) == "" {
			t.Errorf("there is no record %s", record)
		}
	}
	if out, err := d.tryDestroy(); err != nil {
		t.Fatalf("destroy: %v\n%s", err, errorsOf(out))
	}
	if got := d.cloud.Names(); !slices.Equal(got, []string{"clouddns/projects/acme-mcp/managedZones/example-com"}) {
		t.Errorf("destroy left\n\t%s\nwant the zone, which is not ours", strings.Join(got, "\n\t"))
	}
}

// TestApplyAfterAFailure: in each phase something fails, at once or as the operation's outcome;
// applying again goes on from there, until everything is as it should be.
func TestApplyAfterAFailure(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
	faults := []controlplane.Fault{
		{Method: "POST", Path: "serviceusage/projects/acme-mcp/services:batchEnable", Later: true},
		{Method: "POST", Path: "eventarc.googleapis.com:generateServiceIdentity", Later: true},
		{Method: "POST", Path: "secrets/signing-keys", Code: http.StatusInternalServerError},
		{Method: "POST", Path: "databases/postern", Later: true},
		{Method: "PATCH", Path: "collectionGroups/grants/fields/delete_after", Later: true},
		{Method: "POST", Path: "serviceAccounts/postern-mcp@", Code: http.StatusInternalServerError},
		{Method: "POST", Path: "secrets/fernet-keys:setIamPolicy", Code: http.StatusInternalServerError},
		{Method: "POST", Path: "cloudresourcemanager/projects/acme-mcp:setIamPolicy", Code: http.StatusInternalServerError},
		{Method: "POST", Path: "storage/b/acme-mcp-postern-source/o/token-", Code: http.StatusForbidden},
		{Method: "POST", Path: "functions/postern-wellknown", Later: true},
		{Method: "POST", Path: "functions/postern-cascade", Later: true},
		{Method: "POST", Path: "run/projects/acme-mcp/locations/europe-west1/services/postern-mcp:setIamPolicy",
			Code: http.StatusInternalServerError},
		{Method: "POST", Path: "triggers/postern-cascade-clients", Later: true},
		{Method: "POST", Path: "apis/postern", Later: true},
		{Method: "POST", Path: "configs/postern-", Later: true},
		{Method: "POST", Path: "gateways/postern", Later: true},
		{Method: "POST", Path: "global/addresses/postern", Later: true},
		{Method: "POST", Path: "backendServices/postern-gateway", Later: true},
		{Method: "POST", Path: "forwardingRules/postern-https", Later: true},
		{Method: "POST", Path: "metrics/postern_errors", Code: http.StatusInternalServerError},
		{Method: "POST", Path: "alertPolicies/", Code: http.StatusInternalServerError},
	}
	for _, f := range faults {
		d.cloud.Fail(f)
	}
	for applies := 1; len(d.cloud.Faults()) > 0; applies++ {
		left := d.cloud.Faults()
		out, err := d.tryApply()
		if err == nil {
			t.Fatalf("apply %d succeeded and has not met %q", applies, left)
		}
		if strings.Contains(errorsOf(out), "already exists") {
			t.Fatalf("apply %d did not go on from where the one before stopped:\n%s", applies, errorsOf(out))
		}
		if slices.Equal(d.cloud.Faults(), left) && !strings.Contains(out, "keys create") {
			t.Fatalf("apply %d met nothing of %q:\n%s", applies, left, errorsOf(out))
		}
		d.addMissingVersions()
	}
	d.apply()
	d.wantPlan()
}

// addMissingVersions adds versions to the secrets that are there.
func (d *deployment) addMissingVersions() {
	for _, secret := range secrets {
		name := "secretmanager/projects/acme-mcp/secrets/" + secret
		if d.cloud.Resource(name) != "" && d.cloud.Resource(name+"/versions/1") == "" {
			d.must(d.cloud.AddVersion(secret))
		}
	}
}

// TestDestroyIsRefusedWhole: while protection is on nothing goes, and when it is off everything does.
func TestDestroyIsRefusedWhole(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	names, grants, calls := d.cloud.Names(), d.cloud.Grants(), len(d.cloud.Calls())
	out, err := d.tryDestroy()
	if err == nil || !strings.Contains(out, "delete_protection is on, nothing was destroyed.") {
		t.Fatalf("destroy: %v\n%s\nwant a refusal that names delete_protection", err, out)
	}
	if wrote := written(d.cloud.Calls()[calls:]); len(wrote) > 0 {
		t.Errorf("the refused destroy wrote\n\t%s", strings.Join(wrote, "\n\t"))
	}
	if got := d.cloud.Names(); !slices.Equal(got, names) {
		t.Errorf("after the refused destroy there are\n\t%s\nand there were\n\t%s", strings.Join(got, "\n\t"), strings.Join(names, "\n\t"))
	}
	if got := d.cloud.Grants(); !slices.Equal(got, grants) {
		t.Errorf("after the refused destroy the grants are\n\t%s\nand were\n\t%s", strings.Join(got, "\n\t"), strings.Join(grants, "\n\t"))
	}
	d.wantPlan()

	d.apply("-var=delete_protection=false")
	if out, err := d.tryDestroy(); err != nil {
		t.Fatalf("destroy without protection: %v\n%s", err, errorsOf(out))
	}
	if got := d.cloud.Names(); len(got) > 0 {
		t.Errorf("destroy left\n\t%s", strings.Join(got, "\n\t"))
	}
	if got := d.cloud.Grants(); len(got) > 0 {
		t.Errorf("destroy left the grants\n\t%s", strings.Join(got, "\n\t"))
	}
}

// TestAProtectedGatewayStaysWhereItIs: without a domain its host is the issuer.
func TestAProtectedGatewayStaysWhereItIs(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	settings := strings.Replace(settings, "custom_domain    = true", "custom_domain    = false", 1)
	d.set(settings)
	d.apply()
	const gateway = "apigateway/projects/acme-mcp/locations/europe-west1/gateways/postern"
	before := d.cloud.Resource(gateway)
	d.set(settings + `gateway_region = "europe-west2"`)
	out, err := d.tryApply()
	if err == nil || !strings.Contains(out, "the gateway and its host stay where they are") {
		t.Errorf("another gateway_region: %v\n%s\nwant a refusal", err, errorsOf(out))
	}
	if after := d.cloud.Resource(gateway); after != before {
		t.Errorf("the gateway is\n%s\nand was\n%s", after, before)
	}
	d.set(settings)
	d.apply()
	d.wantPlan()
}

// TestARestoredDatabaseTakesOver: naming it points everything to it, and the one before stays.
func TestARestoredDatabaseTakesOver(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	const databases = "firestore/projects/acme-mcp/databases/"
	first := d.cloud.Resource(databases + "postern")
	d.cloud.Put(databases+"postern-restored", map[string]any{
		"name": "projects/acme-mcp/databases/postern-restored", "locationId": "europe-west1", "type": "FIRESTORE_NATIVE",
	})
	d.set(settings + `restored_database = "postern-restored"`)
	d.apply()
	d.wantPlan()
	if got := d.cloud.Resource(databases + "postern"); got != first {
		t.Errorf("the first database is\n%s\nand was\n%s", got, first)
	}
	const functions = "cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/postern-"
	for _, row := range manifest.Functions {
		got := d.cloud.Resource(functions + row.Name)
		if row.Reads("STORE") && !strings.Contains(got, `"STORE": "firestore:acme-mcp/postern-restored"`) {
			t.Errorf("%s does not use the restored database:\n%s", row.Name, got)
		}
	}
	if got := d.cloud.Resource(functions + "cascade"); !strings.Contains(got, `"value": "postern-restored"`) {
		t.Errorf("cascade does not hear of the restored database:\n%s", got)
	}
	if got := d.cloud.Resource(databases + "postern-restored/collectionGroups/grants/fields/delete_after"); !strings.Contains(got, "ACTIVE") {
		t.Errorf("the restored database does not delete old grants: %s", got)
	}
	for _, grant := range d.cloud.Grants() {
		if strings.Contains(grant, "roles/datastore.") && !strings.Contains(grant, "databases/postern-restored") {
			t.Errorf("somebody may still use the first database: %s", grant)
		}
	}
}
