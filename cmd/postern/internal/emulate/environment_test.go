package emulate

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/config"
	shared "github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/manifest"
)

var everything = config.Map(map[string]string{
	"ISSUER_URL": "https://auth.example.com", "STORE": "embedded:x", "SIGNING_KEYS_FILE": "s", "FERNET_KEYS_FILE": "f",
	"VERIFICATION_KEYS_FILE": "v", "IDENTITY_KEYS_FILE": "i", "GITHUB_CLIENT_SECRET_FILE": "g",
	"ALLOW": "anyone", "TRUST_FORWARDED_AUTHORIZATION": "false",
})

func environmentOf(f manifest.Function, behind map[string]string) map[string]string {
	env := map[string]string{}
	for _, pair := range environment(everything, f, 30*time.Second, behind, map[string]string{"EXTRA": "1"}) {
		key, value, _ := strings.Cut(pair, "=")
		env[key] = value
	}
	return env
}

func TestAFunctionGetsTheSettingsItReadsAndNoOthers(t *testing.T) {
	t.Setenv("PORT", "1")
	t.Setenv("K_SERVICE", "x")
	t.Setenv("STORE", "embedded:of-the-shell")
	t.Setenv("SIGNING_KEYS_FILE", "of-the-shell")
	t.Setenv("POSTERN_TEST_OTHER", "passes")
	for _, f := range manifest.Functions {
		name, http := f.Name, f.Trigger == manifest.HTTP
		env := environmentOf(f, behindGateway)
		for key, want := range map[string]bool{
			"SIGNING_KEYS_FILE":             name == "token",
			"STORE":                         name != "wellknown",
			"VERIFICATION_KEYS_FILE":        name == "wellknown" || name == "mcp",
			"IDENTITY_KEYS_FILE":            name == "mcp",
			"GITHUB_CLIENT_SECRET_FILE":     name == "authorize" || name == "token" || name == "cascade",
			"TRUST_FORWARDED_AUTHORIZATION": true,
			"FORWARDED_FOR_HOPS":            http,
			"CLOUD_RUN_TIMEOUT_SECONDS":     http,
			"PORT":                          false,
			"K_SERVICE":                     false,
			"POSTERN_TEST_OTHER":            true,
			"EXTRA":                         true,
			"ISSUER_URL":                    true,
		} {
			if _, got := env[key]; got != want {
				t.Errorf("%s has %s: %v, want %v", name, key, got, want)
			}
		}
		if name != "wellknown" && env["STORE"] != "embedded:x" {
			t.Errorf("%s: STORE is %s", name, env["STORE"])
		}
		if trust := env["TRUST_FORWARDED_AUTHORIZATION"] == "true"; trust != http {
			t.Errorf("%s trusts the gateway's header: %v", name, trust)
		}
		if env["FUNCTION_TARGET"] != name {
			t.Errorf("%s: FUNCTION_TARGET is %s", name, env["FUNCTION_TARGET"])
		}
	}
}

// Straight behind a load balancer a function that has callers goes by its proof alone, and one that
// events start knows nothing of it.
func TestAFunctionBehindALoadBalancerKnowsItsProof(t *testing.T) {
	t.Parallel()
	proof := newProof()
	if _, err := shared.ParseProof(proof); err != nil || proof == newProof() {
		t.Fatalf("%s is no proof: %v", proof, err)
	}
	for _, f := range manifest.Functions {
		env := environmentOf(f, behindBalancer(proof))
		want := map[string]string{"LOAD_BALANCER_ONLY": "true", "LOAD_BALANCER_PROOF": proof, "FORWARDED_FOR_HOPS": "2"}
		if f.Trigger != manifest.HTTP {
			want = map[string]string{}
		}
		for _, name := range []string{"LOAD_BALANCER_ONLY", "LOAD_BALANCER_PROOF", "FORWARDED_FOR_HOPS"} {
			if env[name] != want[name] {
				t.Errorf("%s: %s is %q, want %q", f.Name, name, env[name], want[name])
			}
		}
		if env["TRUST_FORWARDED_AUTHORIZATION"] == "true" {
			t.Errorf("%s reads the credential where the gateway puts it", f.Name)
		}
	}
}

func TestTheStoreFollowsTheFlagAndTheSetting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, set, want, problem string }{
		{"embedded", "", "embedded:/data", ""},
		{"embedded", "embedded:/other", "embedded:/other", ""},
		{"firestore", "", "firestore:" + project, ""},
		{"firestore", "firestore:mine/db", "firestore:mine/db", ""},
		{"firestore", "embedded:/other", "", "STORE is"},
		{"postgres", "postgres://me@127.0.0.1/p", "postgres://me@127.0.0.1/p", ""},
		{"postgres", "", "", "needs STORE"},
		{"embedded", "postgres://me:secret@127.0.0.1/p", "", "me:xxxxx@"},
		{"memory", "", "", "--store is"},
	} {
		lookup := config.Map(map[string]string{"STORE": c.set})
		got, err := storeSetting(Config{Store: c.kind, Data: "/data", Lookup: lookup})
		said := err == nil || strings.Contains(err.Error(), c.problem)
		if got != c.want || (err == nil) != (c.problem == "") || !said {
			t.Errorf("%s %q: got %q, %v", c.kind, c.set, got, err)
		}
	}
}

// TestEventsAreThoseOfTheDeployment reads the trigger's documents in terraform.
func TestEventsAreThoseOfTheDeployment(t *testing.T) {
	root, err := FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "terraform", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`documents\s*=\s*\[(.*)\]`).FindSubmatch(data)
	if line == nil {
		t.Fatal("terraform/main.tf names no documents")
	}
	var want []string
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(line[1], -1) {
		want = append(want, string(m[1]))
	}
	got := slices.Clone(triggers)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("triggers (-terraform +emulate):\n%s", diff)
	}
}

func TestOutsideTheSourceTreeItSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := FindRoot(); err == nil || !strings.Contains(err.Error(), "source tree") {
		t.Errorf("got %v", err)
	}
}
