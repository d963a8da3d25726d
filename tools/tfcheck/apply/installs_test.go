package apply

import (
	"slices"
	"strings"
	"testing"
)

// TestTwoInstallsInOneProject: a second one beside the first changes nothing of it and has all its
// own, secrets, labels and places too, with functions, gateway and database apart. When it goes it takes one thing along that they share, the role of
// Eventarc's own account, and the first puts it back.
func TestTwoInstallsInOneProject(t *testing.T) {
	t.Parallel()
	first := fromNothing(t)
	before := first.cloud.Names()
	second := newDeployment(t, first.cloud)
	second.set(strings.Replace(settings, "auth.example.com", "tools.example.com", 1) + `
name_prefix        = "tools"
labels             = { team = "ops" }
gateway_region     = "europe-west2"
firestore_location = "eur3"
delete_protection  = false
`)
	second.run("apply", "-auto-approve", state, "-target=module.keys")
	for _, secret := range secrets {
		second.must(second.cloud.AddVersion("tools-" + secret))
	}
	second.apply()
	second.wantPlan()
	first.wantPlan()
	for _, name := range []string{
		"apigateway/projects/acme-mcp/locations/europe-west2/gateways/tools",
		"eventarc/projects/acme-mcp/locations/eur3/triggers/tools-cascade-clients",
	} {
		if second.cloud.Resource(name) == "" {
			t.Errorf("there is no %s", name)
		}
	}
	token := second.cloud.Resource("cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/tools-token")
	for _, want := range []string{`"team": "ops"`, `"/secrets/tools-fernet-keys/value"`, `"firestore:acme-mcp/tools"`} {
		if !strings.Contains(token, want) {
			t.Errorf("tools-token has no %s:\n%s", want, token)
		}
	}

	if out, err := second.tryDestroy(); err != nil {
		t.Fatalf("destroy of the second: %v\n%s", err, errorsOf(out))
	}
	if got := first.cloud.Names(); !slices.Equal(got, before) {
		t.Errorf("after the second there are\n\t%s\nand before it there were\n\t%s",
			strings.Join(got, "\n\t"), strings.Join(before, "\n\t"))
	}
	first.wantPlan("create google_project_iam_member.eventarc")
	first.apply()
	first.wantPlan()
}
