package controlplane

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client calls a control plane as the provider does.
type client struct {
	t      *testing.T
	cloud  *Cloud
	caller string
}

func newClient(t *testing.T) client {
	t.Helper()
	cloud := Start("acme-mcp", 2*time.Minute)
	t.Cleanup(cloud.Close)
	for _, api := range []string{
		"apigateway", "artifactregistry", "cloudbuild", "cloudfunctions", "eventarc", "firestore", "iam", "pubsub",
		"run", "secretmanager", "servicecontrol", "servicemanagement", "storage",
	} {
		cloud.enable(api + ".googleapis.com")
	}
	return client{t, cloud, Owner}
}

// call returns the status and the answer.
func (c client) call(method, path, body string) (int, object) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.cloud.URL()+"/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.caller != "" {
		req.Header.Set("Authorization", "Bearer "+c.caller)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var answer object
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&answer); err != nil {
		c.t.Fatalf("%s %s: %v: %s", method, path, err, data)
	}
	return resp.StatusCode, answer
}

// do makes a call that has to be taken, and looks at its operation. It returns the operation's error.
func (c client) do(method, path, body string) string {
	c.t.Helper()
	status, answer := c.call(method, path, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	name, _ := answer["name"].(string)
	if !strings.Contains(name, "/operations/") {
		return ""
	}
	service, _, _ := strings.Cut(path, "/")
	_, answer = c.call("GET", service+"/v1/"+name, "")
	if answer["done"] != true {
		c.t.Fatalf("operation %s: %v, want it done", name, answer)
	}
	return str(answer, "error", "message")
}

func (c client) account(id string) string {
	c.t.Helper()
	c.do("POST", "iam/v1/v1/projects/acme-mcp/serviceAccounts", `{"accountId": "`+id+`"}`)
	return id + "@acme-mcp.iam.gserviceaccount.com"
}

// grant adds one binding.
func (c client) grant(policy, member, role string) (int, object) {
	c.t.Helper()
	_, p := c.call("POST", policy+":getIamPolicy", "")
	p["bindings"] = append(list(p, "bindings"), object{"role": role, "members": []any{member}})
	body, err := json.Marshal(object{"policy": p})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.call("POST", policy+":setIamPolicy", string(body))
}

const project = "cloudresourcemanager/v1/projects/acme-mcp"

// functionBody is a function with one secret, and its source.
func (c client) functionBody() string {
	c.t.Helper()
	builder, runtime := c.account("builder"), c.account("runtime")
	c.do("POST", "secretmanager/v1/projects/acme-mcp/secrets?secretId=ring", `{}`)
	c.cloud.Put("storage/b/sources/o/token.zip", object{"name": "token.zip"})
	for _, role := range builderRoles {
		if status, answer := c.grant(project, "serviceAccount:"+builder, role); status != http.StatusOK {
			c.t.Fatalf("grant %s: %v", role, answer)
		}
	}
	return `{"buildConfig": {"serviceAccount": "projects/acme-mcp/serviceAccounts/` + builder + `",
	  "source": {"storageSource": {"bucket": "sources", "object": "token.zip"}}},
	  "serviceConfig": {"serviceAccountEmail": "` + runtime + `", "secretVolumes": [{"secret": "ring"}]}}`
}

const functions = "cloudfunctions/v2/projects/acme-mcp/locations/europe-west1/functions"

// TestAFunctionStartsWhenAllIsThere: builder's roles, the right to read its secret and a version of
// it; and a grant takes effect when its time has passed, which no other call makes pass.
func TestAFunctionStartsWhenAllIsThere(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	body := c.functionBody()
	const secret = "secretmanager/v1/projects/acme-mcp/secrets/ring"
	step := func(name, want string) {
		t.Helper()
		got := c.do("POST", functions+"?functionId="+name, body)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got the error %q, want %q", name, got, want)
		}
	}
	step("f1", "the service account builder@acme-mcp.iam.gserviceaccount.com lacks roles/artifactregistry.writer")
	c.cloud.Wait(2 * time.Minute)
	step("f2", "Permission denied on secret")
	c.grant(secret, "serviceAccount:runtime@acme-mcp.iam.gserviceaccount.com", "roles/secretmanager.secretAccessor")
	c.cloud.Wait(2*time.Minute - time.Second)
	step("f3", "Permission denied on secret")
	c.cloud.Wait(time.Second)
	step("f4", "versions/latest was not found")
	if err := c.cloud.AddVersion("ring"); err != nil {
		t.Fatal(err)
	}
	step("f5", "")
	if status, _ := c.call("POST", functions+"?functionId=f1", body); status != http.StatusConflict {
		t.Errorf("a function that failed and was made again: status %d, want 409", status)
	}
}

// TestRefusals: what is answered at once.
func TestRefusals(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	body := c.functionBody()
	c.do("POST", "firestore/v1/projects/acme-mcp/databases?databaseId=postern",
		`{"locationId": "europe-west1", "deleteProtectionState": "DELETE_PROTECTION_ENABLED"}`)
	const gateways = "apigateway/v1beta/projects/acme-mcp/locations/"
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		{"the source is not there", "POST", functions + "?functionId=f", strings.Replace(body, "token.zip", "other.zip", 1),
			400, "gs://sources/other.zip does not exist"},
		{"an account is not there", "POST", functions + "?functionId=f", strings.Replace(body, "runtime@", "other@", 1),
			400, "Service account other@acme-mcp.iam.gserviceaccount.com does not exist"},
		{"no functions in this region", "POST", strings.Replace(functions, "europe-west1", "mars-north1", 1) + "?functionId=f", body,
			404, "Cloud Functions is not offered there"},
		{"no gateway in this region", "POST", gateways + "europe-west4/gateways?gatewayId=g", `{}`,
			404, "API Gateway is not offered there"},
		{"the name is taken", "POST", "firestore/v1/projects/acme-mcp/databases?databaseId=postern", `{"locationId": "eur3"}`,
			409, "already exists"},
		{"protected", "DELETE", "firestore/v1/projects/acme-mcp/databases/postern", "", 400, "delete protection"},
		{"the parent is not there", "POST", gateways + "global/apis/a/configs?apiConfigId=c", `{}`, 404, "was not found"},
		{"nobody enabled it", "POST", "monitoring/v3/projects/acme-mcp/alertPolicies", `{}`, 403, "has not been used"},
		{"an unknown kind", "POST", "firestore/v1/projects/acme-mcp/sofas", `{}`, 501, "controlplane/kinds.go"},
		{"a member that is not there", "POST", project + ":setIamPolicy",
			`{"policy": {"etag": "` + c.etag() + `", "bindings": [{"role": "r", "members": ["serviceAccount:who@acme-mcp.iam.gserviceaccount.com"]}]}}`,
			400, "Service account who@acme-mcp.iam.gserviceaccount.com does not exist"},
		{"an old etag", "POST", project + ":setIamPolicy", `{"policy": {"etag": "0"}}`, 409, "concurrent policy changes"},
	} {
		status, answer := c.call(test.method, test.path, test.body)
		if got := str(answer, "error", "message"); status != test.status || !strings.Contains(got, test.message) {
			t.Errorf("%s: got %d %q, want %d %q", test.name, status, got, test.status, test.message)
		}
	}
}

func (c client) etag() string {
	c.t.Helper()
	_, p := c.call("POST", project+":getIamPolicy", "")
	return str(p, "etag")
}

// TestACopyLivesAlone: what is made in one is not in the other.
func TestACopyLivesAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.account("one")
	loaded, err := Load(c.cloud.Save(), "acme-mcp", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	other := client{t, loaded, Owner}
	other.account("two")
	if got := len(c.cloud.Names()); got != 1 {
		t.Errorf("the first has %v, want one account", c.cloud.Names())
	}
	if got := len(other.cloud.Names()); got != 2 {
		t.Errorf("the copy has %v, want two accounts", other.cloud.Names())
	}
}
