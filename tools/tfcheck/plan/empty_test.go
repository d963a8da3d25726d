package plan

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// TestUnchangedPackagesPlanNothing: packages made again with equal content
// change nothing, another one redeploys its function and that one alone.
//
// There is no cloud to apply to, so the state is made from plans: what a plan
// says will be is written down as being there, generated values are made up,
// and that is repeated until the provider sees nothing left to do.
func TestUnchangedPackagesPlanNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	dir, packages := s.packages()
	vars := append(slices.Clone(settings), packages)
	state := filepath.Join(s.tmp, "applied.tfstate")
	routesReachFunctions(t, s.settle(state, vars))

	// Equal content from another make package: new files with new times.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := toolbox.Packages(dir); err != nil {
		t.Fatal(err)
	}
	if got := s.plan(state, vars...).changed(); len(got) > 0 {
		t.Errorf("unchanged packages: the plan changes %v, want nothing", got)
	}

	if err := toolbox.Package(filepath.Join(dir, "token.zip"), "another"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`module.function["token"].google_cloudfunctions2_function.this`,
		`module.function["token"].google_storage_bucket_object.source`,
	}
	if got := s.plan(state, vars...).changed(); !slices.Equal(got, want) {
		t.Errorf("another token.zip: the plan changes %v, want %v", got, want)
	}
}

// changed returns the addresses that a plan touches, in order.
func (p planned) changed() []string {
	var addresses []string
	for _, c := range p.ResourceChanges {
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			addresses = append(addresses, c.Address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// settle writes states until one is what the configuration wants, and returns the
// plan that says so. References go some resources deep, each round makes one more
// link of the chain known.
func (s *space) settle(state string, vars []string) planned {
	s.t.Helper()
	s.writeResources(state, 1, []*stateResource{proofState()})
	var p planned
	for serial := range 8 {
		p = s.plan(state, vars...)
		if len(p.changed()) == 0 {
			return p
		}
		s.writeState(state, serial+2, p)
	}
	s.t.Fatalf("the plan still changes %v", p.changed())
	return p
}

// routesReachFunctions: each route of the path map as it is deployed names the
// address of its own function, which settle made up.
func routesReachFunctions(t *testing.T, p planned) {
	t.Helper()
	addresses := map[string]string{}
	for name, f := range p.functions(t) {
		addresses[name] = str(f.Values, "service_config", "uri")
	}
	wantRoutes(t, deployed(t, p), addresses)
}

// stateResource is a resource in a state file, format 4.
type stateResource struct {
	Module    string          `json:"module,omitempty"`
	Mode      string          `json:"mode"`
	Type      string          `json:"type"`
	Name      string          `json:"name"`
	Provider  string          `json:"provider"`
	Instances []stateInstance `json:"instances"`
}

type stateInstance struct {
	IndexKey      any            `json:"index_key,omitempty"`
	SchemaVersion int            `json:"schema_version"`
	Attributes    map[string]any `json:"attributes"`
	// Sensitive are paths; one that is missing would make the plan an update.
	Sensitive [][]step `json:"sensitive_attributes"`
}

type step struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (s *space) writeState(path string, serial int, p planned) {
	s.t.Helper()
	unknown := map[string]map[string]any{}
	for _, c := range p.ResourceChanges {
		unknown[c.Address] = c.Change.AfterUnknown
	}
	grouped := map[string]*stateResource{}
	for address, r := range p.resources() {
		owner := moduleOf(r)
		key := owner + "." + r.Type + "." + r.Name
		if grouped[key] == nil {
			grouped[key] = &stateResource{
				Module: owner, Mode: r.Mode, Type: r.Type, Name: r.Name,
				Provider: fmt.Sprintf("provider[%q]", r.ProviderName),
			}
		}
		attributes, _ := makeUp(address, "", r.Values, unknown[address]).(map[string]any)
		storeSums(s.t, r.Type, attributes)
		grouped[key].Instances = append(grouped[key].Instances, stateInstance{
			IndexKey: r.Index, SchemaVersion: r.SchemaVersion, Attributes: attributes, Sensitive: sensitive(r),
		})
	}
	resources := []*stateResource{proofState()}
	for _, r := range grouped {
		if r.Type != "terraform_data" {
			resources = append(resources, r)
		}
	}
	s.writeResources(path, serial, resources)
}

// proof is what the load balancer proves itself by. An apply makes it, so the very first
// plan knows none, and the provider then calls every setting of a function unknown: plans
// begin where it has been made.
const proof = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"

func proofState() *stateResource {
	value := map[string]any{"type": "string", "value": proof}
	return &stateResource{
		Mode: "managed", Type: "terraform_data", Name: "load_balancer_proof",
		Provider: `provider["terraform.io/builtin/terraform"]`,
		Instances: []stateInstance{{IndexKey: 0, Sensitive: [][]step{}, Attributes: map[string]any{
			"id": "11111111-2222-3333-4444-555555555555", "input": value, "output": value, "triggers_replace": nil,
		}}},
	}
}

func (s *space) writeResources(path string, serial int, resources []*stateResource) {
	s.t.Helper()
	data, err := json.Marshal(map[string]any{
		"version": 4, "terraform_version": "1.9.0", "serial": serial,
		"lineage": "11111111-2222-3333-4444-555555555555", "outputs": map[string]any{}, "resources": resources,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// sensitive returns the attributes that the provider calls sensitive. None of
// ours lies deeper than one level.
func sensitive(r resource) [][]step {
	paths := [][]step{}
	for name, mark := range r.SensitiveValues {
		if mark == true {
			paths = append(paths, []step{{"get_attr", name}})
		}
	}
	return paths
}

// moduleOf cuts module.a["b"] off an address.
func moduleOf(r resource) string {
	owner, _, _ := strings.Cut(r.Address, r.Type+"."+r.Name)
	return strings.TrimSuffix(owner, ".")
}

// generated are attributes the platform makes up that others refer to.
var generated = []string{"id", "uri", "name", "member", "email", "default_hostname", "address"}

// collections are generated lists and maps; empty is what the platform says of
// them, and unset would be asked for again.
var collections = map[string]any{
	"conditions":                map[string]any{},
	"creation_record":           []any{},
	"effective_labels":          map[string]any{},
	"enabled_features":          []any{},
	"subject_alternative_names": []any{},
	"terraform_labels":          map[string]any{},
}

// makeUp fills what is unknown in v: generated names get a value of their own,
// the rest stays unset, as if the platform had nothing to say.
func makeUp(address, name string, v, unknown any) any {
	switch u := unknown.(type) {
	case bool:
		if u && slices.Contains(generated, name) {
			return "https://made-up/" + strings.ReplaceAll(address, `"`, "") + "/" + name // in YAML too
		}
		if u {
			return collections[name]
		}
	case map[string]any:
		m, _ := v.(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		for k := range u {
			m[k] = makeUp(address, k, m[k], u[k])
		}
		return m
	case []any:
		l, _ := v.([]any)
		for i := range u {
			if i < len(l) {
				l[i] = makeUp(address, name, l[i], u[i])
			}
		}
		return l
	}
	return v
}

// storeSums puts in what the storage service says of an object: its checksum.
func storeSums(t *testing.T, kind string, attributes map[string]any) {
	t.Helper()
	if kind != "google_storage_bucket_object" {
		return
	}
	sum := md5.Sum([]byte(readFile(t, str(attributes, "source"))))
	attributes["md5hash"] = base64.StdEncoding.EncodeToString(sum[:])
	attributes["detect_md5hash"] = attributes["md5hash"]
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
