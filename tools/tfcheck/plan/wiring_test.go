package plan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/shared/version"
	"github.com/postern-dev/postern/terraform/gateway"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// mounts lists the secrets that each function mounts.
func mounts(t *testing.T, p planned) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for name, f := range p.functions(t) {
		for _, volume := range list(f.Values, "service_config", "secret_volumes") {
			secret := str(volume, "secret")
			got[name] = append(got[name], secret)
			if path := str(volume, "mount_path"); path != "/secrets/"+secret {
				t.Errorf("%s mounts %s at %s: two secrets in one directory hide each other", name, secret, path)
			}
			if version := str(volume, "versions", "version"); version != "latest" {
				t.Errorf("%s reads version %q of %s, want latest", name, version, secret)
			}
		}
		for _, value := range list(f.Values, "service_config", "secret_environment_variables") {
			got[name] = append(got[name], str(value, "secret"))
			if key := str(value, "key"); key != "OTEL_EXPORTER_OTLP_HEADERS" {
				t.Errorf("%s has a secret in %s: want it in a file, which follows its newest version", name, key)
			}
		}
		slices.Sort(got[name])
	}
	return got
}

// TestEachFunctionMountsOnlyItsSecrets: only token has the private signing
// keys, those that ask the identity provider as ourselves have our secret there, and whoever
// runs other people's tools has no secret of ours but the ring that
// opens records and the one that tells upstream servers who calls, beside the credentials
// of those servers. No key serves two purposes, so the upstream secret can change alone (M1).
func TestEachFunctionMountsOnlyItsSecrets(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"register":    {"fernet-keys", "otel-headers"},
		"authorize":   {"fernet-keys", "github-client-secret", "otel-headers"},
		"token":       {"fernet-keys", "github-client-secret", "otel-headers", "signing-keys"},
		"wellknown":   {"verification-keys"},
		"mcp":         {"crm-key", "fernet-keys", "identity-keys", "otel-headers", "verification-keys"},
		"cascade":     {"fernet-keys", "github-client-secret", "otel-headers"},
		"connections": {"fernet-keys", "otel-headers"},
	}
	if got := mounts(t, firstPlan(t)); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("functions mount %v, want %v", got, want)
	}
}

// TestEachFunctionMayReadWhatItMounts: no account can read a secret that its
// function does not mount, and no grant is wider than one secret.
func TestEachFunctionMayReadWhatItMounts(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	got := map[string][]string{}
	for address, r := range p.ofType("google_secret_manager_secret_iam_member") {
		if role := str(r.Values, "role"); role != "roles/secretmanager.secretAccessor" {
			t.Errorf("%s grants %s", address, role)
		}
		name := account(str(r.Values, "member"))
		got[name] = append(got[name], str(r.Values, "secret_id"))
	}
	for name := range got {
		slices.Sort(got[name])
	}
	if want := mounts(t, p); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("accounts may read %v, functions mount %v", got, want)
	}
}

// account turns serviceAccount:postern-token@acme-mcp.iam.gserviceaccount.com into token.
func account(member string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(member, "serviceAccount:postern-"), "@")
	return name
}

// The gateway calls the functions from outside; events come from inside (HT-10).
func TestOnlyTheEventFunctionIsInternal(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		want := "ALLOW_ALL"
		if row, _ := manifest.ByName(name); row.Trigger == manifest.Event {
			want = "ALLOW_INTERNAL_ONLY"
		}
		if got := str(f.Values, "service_config", "ingress_settings"); got != want {
			t.Errorf("%s: ingress %s, want %s", name, got, want)
		}
	}
}

// TestOnlyTheGatewayMayInvoke: the gateway's account invokes each HTTP function,
// the trigger's account the event function, and nobody else anything (HT-10, SC-18).
func TestOnlyTheGatewayMayInvoke(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	got := map[string][]string{}
	for address, r := range p.resources() {
		role := str(r.Values, "role")
		if !strings.Contains(role, "invoker") {
			continue
		}
		if r.Type != "google_cloud_run_service_iam_member" || role != "roles/run.invoker" {
			t.Errorf("%s grants %s: only one member on one service may be granted that", address, role)
			continue
		}
		name := strings.TrimPrefix(str(r.Values, "service"), "postern-")
		got[name] = append(got[name], account(str(r.Values, "member")))
	}
	want := map[string][]string{"cascade": {"cascade-trigger"}}
	for _, name := range manifest.Names(manifest.HTTP) {
		want[name] = []string{"gateway"}
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("invokers: got %v, want %v", got, want)
	}
	if raw := string(p.raw); strings.Contains(raw, "allUsers") || strings.Contains(raw, "allAuthenticatedUsers") {
		t.Error("the plan names everybody")
	}
}

// TestDatabaseRolesAreNarrow: reading for mcp, nothing for wellknown, and for
// each of the others this one database (SC-11).
func TestDatabaseRolesAreNarrow(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for address, r := range firstPlan(t).ofType("google_project_iam_member") {
		role := str(r.Values, "role")
		if !strings.HasPrefix(role, "roles/datastore.") {
			continue
		}
		got[account(str(r.Values, "member"))] = strings.TrimPrefix(role, "roles/datastore.")
		expression := str(r.Values, "condition", "expression")
		if expression != `resource.name == "projects/acme-mcp/databases/postern"` {
			t.Errorf("%s: condition %q", address, expression)
		}
	}
	want := map[string]string{}
	for _, row := range manifest.Functions {
		if row.Reads("STORE") {
			want[row.Name] = "user"
		}
	}
	want["mcp"] = "viewer"
	if !maps.Equal(got, want) {
		t.Errorf("database roles: got %v, want %v", got, want)
	}
}

// TestEachFunctionHasItsOwnAccount: none runs as another or as a default account.
func TestEachFunctionHasItsOwnAccount(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		want := "postern-" + name + "@acme-mcp.iam.gserviceaccount.com"
		if got := str(f.Values, "service_config", "service_account_email"); got != want {
			t.Errorf("%s runs as %q, want %q", name, got, want)
		}
	}
}

func TestFunctionsRunAsTheCodeExpects(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		for _, c := range []struct {
			want any
			path []string
		}{
			{"go126", []string{"build_config", "runtime"}},
			{name, []string{"build_config", "entry_point"}},
			{80.0, []string{"service_config", "max_instance_request_concurrency"}},
			{"1", []string{"service_config", "available_cpu"}},
			{0.0, []string{"service_config", "min_instance_count"}},
			{10.0, []string{"service_config", "max_instance_count"}},
		} {
			if got := at(f.Values, c.path...); got != c.want {
				t.Errorf("%s: %s is %v, want %v", name, strings.Join(c.path, "."), got, c.want)
			}
		}
	}
}

// TestDeadlinesAreAboveTimeouts: a function that runs out of time answers
// itself, before the gateway does (google-cloud 1.1).
func TestDeadlinesAreAboveTimeouts(t *testing.T) {
	t.Parallel()
	m, err := gateway.Load()
	if err != nil {
		t.Fatal(err)
	}
	functions := firstPlan(t).functions(t)
	for _, r := range m.Routes() {
		seconds, _ := at(functions[r.Function].Values, "service_config", "timeout_seconds").(float64)
		if timeout := time.Duration(seconds) * time.Second; timeout <= 0 || timeout >= r.Deadline {
			t.Errorf("%s: deadline %v, timeout of %s %v", r.OperationID, r.Deadline, r.Function, timeout)
		}
	}
}

// TestEachFunctionSaysItsRelease: by a label, in the letters that a label may have, and in the
// program, which the platform links with the variable that package version reads.
func TestEachFunctionSaysItsRelease(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		if got, want := str(f.Values, "labels", "version"), "v1-2-3-rc-1-build"; got != want {
			t.Errorf("%s: label version is %q, want %q", name, got, want)
		}
		got := str(f.Values, "build_config", "environment_variables", "GOOGLE_GOLDFLAGS")
		if want := "-s -w -X " + version.Variable + "=" + toolbox.Release; got != want {
			t.Errorf("%s: linked with %q, want %q", name, got, want)
		}
	}
}

// environment returns the settings of a function.
func environment(f resource) map[string]string {
	got := map[string]string{}
	m, _ := at(f.Values, "service_config", "environment_variables").(map[string]any)
	for k, v := range m {
		got[k], _ = v.(string)
	}
	return got
}

// TestEveryRequiredSettingIsGiven: a function that misses one does not start.
func TestEveryRequiredSettingIsGiven(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		env := environment(f)
		row, _ := manifest.ByName(name)
		for _, s := range config.Settings {
			if !s.Required || !row.Reads(s.Name) || strings.HasPrefix(s.Name, "OIDC_") { // another provider's
				continue
			}
			if env[s.Name] == "" {
				t.Errorf("%s lacks %s", name, s.Name)
			}
		}
		if env["ISSUER_URL"] != "https://auth.example.com" {
			t.Errorf("%s: ISSUER_URL is %q", name, env["ISSUER_URL"])
		}
	}
}

// TestEveryGivenSettingIsRead: a misspelt name, or one that the function does not read, would
// silently do nothing.
func TestEveryGivenSettingIsRead(t *testing.T) {
	t.Parallel()
	for name, f := range firstPlan(t).functions(t) {
		row, _ := manifest.ByName(name)
		for k := range environment(f) {
			if !row.Reads(k) {
				t.Errorf("%s does not read %s", name, k)
			}
		}
	}
}

// TestEveryFunctionIsDeployed: a row of shared/manifest has its function, and no other is there
// (functions compares); each is started as its row says.
func TestEveryFunctionIsDeployed(t *testing.T) {
	t.Parallel()
	deployed := firstPlan(t).functions(t)
	for _, row := range manifest.Functions {
		f := deployed[row.Name]
		if got, want := len(list(f.Values, "event_trigger")) > 0, row.Trigger == manifest.Event; got != want {
			t.Errorf("%s: has a trigger %v, want %v", row.Name, got, want)
		}
	}
}

// Lifetimes reach all who use the store, and the client's credential is looked for where
// the gateway puts it.
func TestSettingsFollowTheVariables(t *testing.T) {
	t.Parallel()
	f := firstPlan(t).functions(t)
	const upstreams = `[{"credential":{"file":"/secrets/crm-key/value","header":"X-Api-Key"},"identity":"none",` +
		`"name":"crm","title":"Customers","tools":{"allow":["read_*"],"need":[{"group":"org:acme","match":["read_all"]}]},` +
		`"url":"https://crm.example.com/mcp"}]`
	const stepUp = `[{"advertised":false,"default":false,"name":"admin","words":"delete what was kept"}]`
	for _, c := range []struct{ function, setting, want string }{
		{"token", "GRANT_TTL", "720h"},
		{"authorize", "GRANT_TTL", "720h"},
		{"wellknown", "GRANT_TTL", ""},
		{"mcp", "REVOCATION_MAX_AGE", "5s"},
		{"connections", "REVOCATION_MAX_AGE", "5s"},
		{"mcp", "IDENTITY_TOKEN_TTL", "1m"},
		{"token", "IDENTITY_TOKEN_TTL", ""},
		{"token", "CODE_TTL", ""}, // not set, so the default of the code holds
		{"authorize", "ALLOW", "org:acme,user:octocat"},
		{"token", "ALLOW", "org:acme,user:octocat"},
		{"mcp", "ALLOW", "org:acme,user:octocat"},
		{"authorize", "CIMD_ALLOW", "claude.ai,vscode.dev"},
		{"wellknown", "CIMD_ALLOW", "claude.ai,vscode.dev"},
		{"token", "CIMD_ALLOW", ""},
		{"mcp", "OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example.com"},
		{"cascade", "OTEL_TRACES_SAMPLER", "always_on"},
		{"wellknown", "OTEL_EXPORTER_OTLP_ENDPOINT", ""},
		{"wellknown", "OPENAI_APPS_CHALLENGE", "8t0fMl4QrJ2yXw7v"},
		{"mcp", "OPENAI_APPS_CHALLENGE", ""},
		{"authorize", "OPERATOR_CONTACT", "ops@example.com"},
		{"register", "OPERATOR_CONTACT", ""},
		{"authorize", "SERVER_NAME", "Acme Tools"},
		{"wellknown", "SERVER_NAME", "Acme Tools"},
		{"mcp", "SERVER_NAME", "Acme Tools"},
		{"authorize", "ACCENT_COLOR", "#1a56c4"},
		{"wellknown", "ACCENT_COLOR", ""},
		{"authorize", "SUPPORT_CONTACT", "help@example.com"},
		{"authorize", "PRIVACY_URL", ""},
		{"register", "REDIRECT_SCHEMES", "cursor,com.example.app"},
		{"authorize", "REDIRECT_SCHEMES", "cursor,com.example.app"},
		{"token", "REDIRECT_SCHEMES", ""},
		{"authorize", "OFFLINE_ACCESS", "true"},
		{"authorize", "SCOPES", stepUp},
		{"token", "SCOPES", stepUp},
		{"mcp", "SCOPES", stepUp},
		{"register", "SCOPES", stepUp},
		{"wellknown", "SCOPES", stepUp},
		{"cascade", "SCOPES", ""},
		{"mcp", "MCP_UPSTREAM_OPTIONS", `{"identity":"headers"}`},
		{"token", "MCP_UPSTREAM_OPTIONS", `{"identity":"headers"}`},
		{"authorize", "MCP_UPSTREAM_OPTIONS", `{"identity":"headers"}`},
		{"wellknown", "MCP_UPSTREAM_OPTIONS", ""},
		{"register", "MCP_UPSTREAMS", upstreams},
		{"authorize", "MCP_UPSTREAMS", upstreams},
		{"token", "MCP_UPSTREAMS", upstreams},
		{"wellknown", "MCP_UPSTREAMS", upstreams},
		{"mcp", "MCP_UPSTREAMS", upstreams},
		{"cascade", "MCP_UPSTREAMS", ""},
		{"register", "STORE", "firestore:acme-mcp/postern"},
		{"wellknown", "STORE", ""},
		{"token", "SIGNING_KEYS_FILE", "/secrets/signing-keys/value"},
		{"mcp", "IDENTITY_KEYS_FILE", "/secrets/identity-keys/value"},
		{"wellknown", "IDENTITY_KEYS_FILE", ""},
		{"mcp", "TRUST_FORWARDED_AUTHORIZATION", "true"},
		{"mcp", "FORWARDED_FOR_HOPS", "2"},
		{"cascade", "TRUST_FORWARDED_AUTHORIZATION", ""},
		{"cascade", "GITHUB_CLIENT_SECRET_FILE", "/secrets/github-client-secret/value"},
		{"token", "GITHUB_CLIENT_SECRET_FILE", "/secrets/github-client-secret/value"},
		{"token", "OIDC_CLIENT_ID", ""},
	} {
		if got := environment(f[c.function])[c.setting]; got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.function, c.setting, got, c.want)
		}
	}
}

// The load balancer sends its proof with its caller's address, and every function that has callers knows
// the proof (HT-01).
func TestEveryFunctionKnowsTheLoadBalancersProof(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	for name, f := range p.functions(t) {
		row, _ := manifest.ByName(name)
		want := ""
		if row.Trigger == manifest.HTTP {
			want = proof
		}
		if got := environment(f)["LOAD_BALANCER_PROOF"]; got != want {
			t.Errorf("%s: LOAD_BALANCER_PROOF is %q, want %q", name, got, want)
		}
	}
	for address, backend := range p.ofType("google_compute_backend_service") {
		want := []any{"X-Postern-Load-Balancer: " + proof + " {client_ip_address}"}
		if got := list(backend.Values, "custom_request_headers"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s sends %v, want %v", address, got, want)
		}
	}
}

// TestLifetimeLimitsAreThoseOfTheCode compares variables.tf with the table that
// the functions check.
func TestLifetimeLimitsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	text, err := os.ReadFile(filepath.Join(s.dir, "variables.tf"))
	if err != nil {
		t.Fatal(err)
	}
	limit := regexp.MustCompile(`(?m)^ +([A-Z_]+) += \[(\d+), (\d+)\]$`)
	got := map[string]string{}
	for _, m := range limit.FindAllStringSubmatch(string(text), -1) {
		got[m[1]] = m[2] + " to " + m[3]
	}
	want := map[string]string{}
	for _, s := range config.Settings {
		// How often rings are read again is not a lifetime, and terraform leaves it alone.
		if s.Kind != config.KindDuration || s.Name == "KEYS_MAX_AGE" {
			continue
		}
		least := s.Min
		if s.ZeroOK {
			least = 0
		}
		want[s.Name] = fmt.Sprintf("%.0f to %.0f", least.Seconds(), s.Max.Seconds())
	}
	if !maps.Equal(got, want) {
		t.Errorf("limits in variables.tf: got %v, want %v", got, want)
	}
}

// TestCascadeHearsOfEveryCollection: one trigger each, at least once, in the
// database's location, as the event function's own account.
func TestCascadeHearsOfEveryCollection(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	own := at(p.functions(t)["cascade"].Values, "event_trigger")
	if got, want := str(own, "retry_policy"), "RETRY_POLICY_RETRY"; got != want {
		t.Errorf("retry policy %q, want %q", got, want)
	}
	filters := []map[string]string{criteria(list(own, "event_filters"))}
	filters[0]["type"] = str(own, "event_type")
	for _, r := range p.ofType("google_eventarc_trigger") {
		filters = append(filters, criteria(list(r.Values, "matching_criteria")))
		if got, want := str(r.Values, "event_data_content_type"), "application/protobuf"; got != want {
			t.Errorf("%s: content type %q, want %q", r.Address, got, want)
		}
		if got, want := str(r.Values, "destination", "cloud_run_service", "service"), "postern-cascade"; got != want {
			t.Errorf("%s: destination %q, want %q", r.Address, got, want)
		}
	}
	var documents []string
	for _, f := range filters {
		documents = append(documents, f["document"])
		if f["database"] != "postern" || f["type"] != "google.cloud.firestore.document.v1.written" {
			t.Errorf("trigger filters %v", f)
		}
	}
	slices.Sort(documents)
	if want := []string{"clients/{id}", "codes/{id}", "grants/{id}", "people/{id}"}; !slices.Equal(documents, want) {
		t.Errorf("got triggers on %v, want %v", documents, want)
	}
}

func criteria(filters []any) map[string]string {
	m := map[string]string{}
	for _, f := range filters {
		m[str(f, "attribute")] = str(f, "value")
	}
	return m
}

// TestTheStoreKeepsWhatItShould: expiry on every collection, nothing indexed
// that only costs, and no deletion by accident.
func TestTheStoreKeepsWhatItShould(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	got := map[string]int{}
	for address, r := range p.ofType("google_firestore_field") {
		got[str(r.Values, "collection")+"."+str(r.Values, "field")]++
		if config := list(r.Values, "index_config"); len(config) != 1 || len(list(config, "indexes")) != 0 {
			t.Errorf("%s: index_config is %v, want an empty block", address, config)
		}
		if ttl := len(list(r.Values, "ttl_config")) == 1; ttl != (str(r.Values, "field") == "delete_after") {
			t.Errorf("%s: TTL is %v", address, ttl)
		}
	}
	for _, collection := range []string{"clients", "codes", "grants", "people", "refusals"} {
		for _, field := range []string{"delete_after", "body"} {
			if got[collection+"."+field] != 1 {
				t.Errorf("%s.%s is not configured", collection, field)
			}
		}
	}
	for address, r := range p.ofType("google_firestore_database") {
		if got, want := str(r.Values, "delete_protection_state"), "DELETE_PROTECTION_ENABLED"; got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	for address, r := range p.ofType("google_secret_manager_secret") {
		if r.Values["deletion_protection"] != true {
			t.Errorf("%s has no deletion protection", address)
		}
	}
}

// TestNoSecretValueIsPlanned: secrets are containers whose versions are made
// outside, so neither plan nor state can hold a value. What a function gets of them is
// said by mounts.
func TestNoSecretValueIsPlanned(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	for address, r := range p.resources() {
		kinds := []string{"secret_version", "service_account_key", "random_", "tls_private_key", "hmac_key"}
		for _, kind := range kinds {
			if strings.Contains(r.Type, kind) && r.Values["fetch_secret_data"] != false {
				t.Errorf("%s would put a secret into the state", address)
			}
		}
	}
	for name, f := range p.functions(t) {
		for k, v := range environment(f) {
			if regexp.MustCompile(`SECRET|KEYS?\b|TOKEN$|PASSWORD`).MatchString(k) && !strings.HasSuffix(k, "_FILE") {
				t.Errorf("%s: %s=%s looks like a secret", name, k, v)
			}
		}
	}
	secrets := regexp.MustCompile(`BEGIN [A-Z ]*PRIVATE KEY|"d":"|[0-9a-f]{40}|[A-Za-z0-9_-]{43}=`)
	if found := secrets.Find(p.raw); found != nil {
		t.Errorf("the plan holds something like a key: %.12s...", found)
	}
}

// TestEveryRouteReachesItsFunction plans the gateway with known addresses and
// reads back the document that would be deployed.
func TestEveryRouteReachesItsFunction(t *testing.T) {
	t.Parallel()
	addresses := map[string]string{}
	for _, name := range manifest.Names(manifest.HTTP) {
		addresses[name] = "https://" + name + ".a.run.app"
	}
	encoded, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	s := newSpace(t, "modules", "gateway")
	p := s.plan(filepath.Join(s.tmp, "none.tfstate"), "project=acme-mcp", "name_prefix=postern", "region=europe-west1",
		"service_account=postern-gateway@acme-mcp.iam.gserviceaccount.com", "addresses="+string(encoded), "delete_protection=true")
	wantRoutes(t, deployed(t, p), addresses)
}

// wantRoutes: each route has the address of its function.
func wantRoutes(t *testing.T, document openAPI, addresses map[string]string) {
	t.Helper()
	m, err := gateway.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Routes() {
		operation := document.Paths[r.Path][strings.ToLower(r.Method)]
		got, want := str(operation, "x-google-backend", "address"), addresses[r.Function]
		if got != want || want == "" {
			t.Errorf("%s: address %q, want %q", r.OperationID, got, want)
		}
	}
}

type openAPI struct {
	Paths map[string]map[string]any `yaml:"paths"`
}

func deployed(t *testing.T, p planned) openAPI {
	t.Helper()
	var document openAPI
	for _, r := range p.ofType("google_api_gateway_api_config") {
		const want = "postern-gateway@acme-mcp.iam.gserviceaccount.com"
		if got := str(r.Values, "gateway_config", "backend_config", "google_service_account"); got != want {
			t.Errorf("the gateway invokes as %q, want %q", got, want)
		}
		text, err := base64.StdEncoding.DecodeString(str(r.Values, "openapi_documents", "document", "contents"))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
	}
	return document
}
