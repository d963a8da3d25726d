// Package plan asserts on plans of terraform/ that the real Google provider
// made: what would be created, and for whom. It holds tests only.
package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// settings is the terraform.tfvars of a person who has read docs/deploy.md.
var settings = []string{
	`project=acme-mcp`,
	`region=europe-west1`,
	`public_origin=https://auth.example.com`,
	`custom_domain=true`,
	`github_client_id=Ov23liAbCdEf0123456`,
	`allow=["org:acme", "user:octocat"]`,
	`lifetimes={ GRANT_TTL = "720h", REVOCATION_MAX_AGE = "5s", IDENTITY_TOKEN_TTL = "1m" }`,
	`cimd_allow=["claude.ai", "vscode.dev"]`,
	`redirect_schemes=["cursor", "com.example.app"]`,
	`openai_apps_challenge=8t0fMl4QrJ2yXw7v`,
	"operator_contact=ops@example.com",
	`look={ name = "Acme Tools", accent_color = "#1a56c4", support_contact = "help@example.com" }`,
	`scopes=[{ name = "admin", words = "delete what was kept" }]`,
	`github_scopes=["repo"]`,
	`otel={ OTEL_EXPORTER_OTLP_ENDPOINT = "https://otlp.example.com", OTEL_TRACES_SAMPLER = "always_on" }`,
	`otel_headers_secret=otel-headers`,
	`mcp_upstream_url=https://wiki.example.com/mcp`,
	`mcp_upstreams={ crm = { url = "https://crm.example.com/mcp", title = "Customers", ` +
		`identity = "none", credential = { header = "X-Api-Key", secret = "crm-key" }, ` +
		`tools = { allow = ["read_*"], need = [{ match = ["read_all"], group = "org:acme" }] } } }`,
	`mcp_upstream_options={ identity = "headers" }`,
}

// planned is the part of `terraform show -json` that is asserted on.
type planned struct {
	PlannedValues   values `json:"planned_values"`
	ResourceChanges []struct {
		Address string `json:"address"`
		Change  struct {
			Actions      []string       `json:"actions"`
			After        map[string]any `json:"after"`
			AfterUnknown map[string]any `json:"after_unknown"`
		} `json:"change"`
	} `json:"resource_changes"`

	raw []byte
}

type values struct {
	RootModule module `json:"root_module"`
}

type module struct {
	Resources []resource `json:"resources"`
	Children  []module   `json:"child_modules"`
}

type resource struct {
	Address       string         `json:"address"`
	Mode          string         `json:"mode"`
	Type          string         `json:"type"`
	Name          string         `json:"name"`
	Index         any            `json:"index"`
	ProviderName  string         `json:"provider_name"`
	SchemaVersion int            `json:"schema_version"`
	Values        map[string]any `json:"values"`

	SensitiveValues map[string]any `json:"sensitive_values"`
}

// resources returns all planned resources by address.
func (p planned) resources() map[string]resource {
	all := map[string]resource{}
	var walk func(module)
	walk = func(m module) {
		for _, r := range m.Resources {
			all[r.Address] = r
		}
		for _, child := range m.Children {
			walk(child)
		}
	}
	walk(p.PlannedValues.RootModule)
	return all
}

// ofType returns the planned resources of one type by address.
func (p planned) ofType(kind string) map[string]resource {
	found := map[string]resource{}
	for address, r := range p.resources() {
		if r.Type == kind {
			found[address] = r
		}
	}
	return found
}

// functions returns the planned functions by short name, like token. They are those of
// shared/manifest.
func (p planned) functions(t *testing.T) map[string]resource {
	t.Helper()
	found := map[string]resource{}
	for _, r := range p.ofType("google_cloudfunctions2_function") {
		found[strings.TrimPrefix(str(r.Values, "name"), "postern-")] = r
	}
	var want []string
	for _, row := range manifest.Functions {
		want = append(want, row.Name)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Fatalf("got functions %v in the plan, want those of shared/manifest: %v", got, want)
	}
	return found
}

// at walks into decoded JSON; a list is entered at its first element.
func at(v any, path ...string) any {
	for _, name := range path {
		if list, ok := v.([]any); ok {
			if len(list) == 0 {
				return nil
			}
			v = list[0]
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func str(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// list returns a list of blocks.
func list(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// space is one configuration directory with a place for state and plan of its own.
type space struct {
	t    *testing.T
	dir  string
	data string
	tmp  string
	tf   *toolbox.Terraform
}

func newSpace(t *testing.T, elem ...string) *space {
	t.Helper()
	var progress bytes.Buffer
	box, err := toolbox.Open(&progress)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := box.Terraform(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	s := &space{t: t, tf: tf, tmp: t.TempDir(), dir: filepath.Join(append([]string{box.Root, "terraform"}, elem...)...)}
	s.data = filepath.Join(s.tmp, "data")
	s.run("get")
	return s
}

// run runs terraform and returns what it wrote to standard output.
func (s *space) run(args ...string) []byte {
	s.t.Helper()
	cmd := s.tf.Command(s.t.Context(), s.dir, "", args...)
	cmd.Env = append(cmd.Env, "TF_DATA_DIR="+s.data)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("terraform %s: %v\n%s%s", args[0], err, &out, &errs)
	}
	return out.Bytes()
}

// plan makes a plan with variables (name=value) from a state file, which need
// not exist.
func (s *space) plan(state string, vars ...string) planned {
	s.t.Helper()
	file := filepath.Join(s.tmp, "plan")
	args := []string{"plan", "-no-color", "-refresh=false", "-lock=false", "-state=" + state, "-out=" + file}
	for _, v := range vars {
		args = append(args, "-var="+v)
	}
	s.run(args...)
	raw := s.run("show", "-json", file)
	p := planned{raw: raw}
	if err := json.Unmarshal(raw, &p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// packages makes placeholder packages and returns the variable that names them.
func (s *space) packages() (dir, variable string) {
	s.t.Helper()
	dir = filepath.Join(s.tmp, "packages")
	if err := toolbox.Packages(dir); err != nil {
		s.t.Fatal(err)
	}
	return dir, "packages_dir=" + dir
}

// first is the plan of a first apply, which most tests look at.
var first struct {
	sync.Once
	p planned
}

func firstPlan(t *testing.T) planned {
	t.Helper()
	first.Do(func() {
		s := newSpace(t)
		_, packages := s.packages()
		state := filepath.Join(s.tmp, "first.tfstate")
		s.writeState(state)
		first.p = s.plan(state, append(settings, packages)...)
	})
	if first.p.raw == nil {
		t.Fatal("the first plan failed, see the test that made it")
	}
	return first.p
}

func TestMain(m *testing.M) {
	// An account or a region of the machine must not change a plan.
	if err := toolbox.ForgetAccounts(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
