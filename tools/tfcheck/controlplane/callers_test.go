package controlplane

import (
	"strings"
	"testing"
)

// TestCallersNeedRoles: to look, to change, to lock, and to let something run as an account; what a project's
// owner may do ends at the project.
func TestCallersNeedRoles(t *testing.T) {
	t.Parallel()
	owner := newClient(t)
	function := owner.functionBody()
	as := func(role string) client {
		who := owner
		who.caller = "user:" + strings.TrimPrefix(role, "roles/") + "@example.com"
		owner.cloud.Grant("cloudresourcemanager/projects/acme-mcp", who.caller, role)
		return who
	}
	nobody := owner
	nobody.caller = ""
	const secret = "secretmanager/v1/projects/acme-mcp/secrets"
	const budgets = "billingbudgets/v1/billingAccounts/0123AB-4567CD-89EF01/budgets"
	owner.cloud.enable("billingbudgets.googleapis.com")
	for _, test := range []struct {
		who                client
		method, path, body string
		lacks              string // empty: it is permitted
	}{
		{nobody, "GET", secret + "/ring", "", "nobody lacks roles/secretmanager.admin"},
		{as("roles/viewer"), "GET", secret + "/ring", "", ""},
		{as("roles/viewer"), "POST", secret + "?secretId=a", "{}", "viewer@example.com lacks roles/secretmanager.admin"},
		{as("roles/viewer"), "POST", secret + "/ring:getIamPolicy", "", "lacks roles/secretmanager.admin"},
		{as("roles/iam.securityReviewer"), "POST", secret + "/ring:getIamPolicy", "", ""},
		{as("roles/iam.securityReviewer"), "POST", secret + "/ring:setIamPolicy", "{}", "lacks roles/secretmanager.admin"},
		{as("roles/secretmanager.admin"), "POST", secret + "?secretId=b", "{}", ""},
		{as("roles/run.admin"), "POST", project + ":getIamPolicy", "", "lacks roles/resourcemanager.projectIamAdmin"},
		{as("roles/cloudfunctions.admin"), "POST", functions + "?functionId=f", function,
			"lacks roles/iam.serviceAccountUser"},
		{owner, "GET", budgets, "", "lacks roles/billing.costsManager"},
	} {
		status, answer := test.who.call(test.method, test.path, test.body)
		got := str(answer, "error", "message")
		if denied := status == 403; denied != (test.lacks != "") || !strings.Contains(got, test.lacks) {
			t.Errorf("%s: %s %s: got %d %q, want %q", test.who.caller, test.method, test.path, status, got, test.lacks)
		}
	}
}

// TestKeysSealWhatIsWhereTheyAre: a key that is not there, not in that region or not granted refuses, and so does
// an organisation that wants one where none is named.
func TestKeysSealWhatIsWhereTheyAre(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const key = "projects/acme-keys/locations/europe-west1/keyRings/postern/cryptoKeys/postern"
	const databases = "firestore/v1/projects/acme-mcp/databases?databaseId="
	body := func(location, key string) string {
		return `{"locationId": "` + location + `", "cmekConfig": {"kmsKeyName": "` + key + `"}}`
	}
	refused := func(name, body, want string) {
		t.Helper()
		status, answer := c.call("POST", databases+name, body)
		if got := str(answer, "error", "message"); status == 200 || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %q, want %q", name, status, got, want)
		}
	}
	refused("no-key", body("europe-west1", key), "CryptoKey "+key+" not found")
	c.cloud.Put("cloudkms/"+key, object{"name": key})
	refused("elsewhere", body("europe-west4", key), "is not in europe-west4")
	refused("no-grant", body("europe-west1", key), "gcp-sa-firestore.iam.gserviceaccount.com lacks "+keyRole)
	c.cloud.Grant("cloudkms/"+key, "serviceAccount:"+agent("firestore.googleapis.com"), keyRole)
	c.do("POST", databases+"sealed", body("europe-west1", key))
	c.do("POST", databases+"open", `{"locationId": "europe-west1"}`)

	function := strings.Replace(c.functionBody(), "{", `{"kmsKeyName": "`+key+`", `, 1)
	status, answer := c.call("POST", functions+"?functionId=f", function)
	if got := str(answer, "error", "message"); status != 400 || !strings.Contains(got, "requires a dockerRepository") {
		t.Errorf("a function without a repository: got %d %q, want a refusal", status, got)
	}

	c.cloud.DemandKeys()
	refused("demanded", `{"locationId": "europe-west1"}`, "constraints/gcp.restrictNonCmekServices")
}
