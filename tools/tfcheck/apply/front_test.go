package apply

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/terraform/gateway"
	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
)

// straight is settings with the load balancer alone in front.
const straight = settings + `front = "load-balancer"
`

// balanced is a deployment from nothing with it that the tests below begin with, each with a copy.
var balanced struct {
	sync.Once
	saved saved
	plan  []string
}

// straightFromNothing applies straight, by somebody who has the documented roles.
func straightFromNothing(t *testing.T) *deployment {
	t.Helper()
	balanced.Do(func() {
		d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
		d.deployAs()
		d.set(straight)
		d.run("apply", "-auto-approve", state, "-target=module.keys")
		d.addVersions()
		d.apply()
		balanced.plan = d.plan()
		balanced.saved = d.save()
	})
	if balanced.saved.State == nil {
		t.Fatal("the first apply failed, see the test that made it")
	}
	d := balanced.saved.restore(t)
	d.set(straight)
	return d
}

// TestALoadBalancerAloneFromNothing: one apply makes everything, without anything of API Gateway, and a second
// plan is empty; another proof reaches functions and load balancer; destroy takes it all.
func TestALoadBalancerAloneFromNothing(t *testing.T) {
	t.Parallel()
	d := straightFromNothing(t)
	if len(balanced.plan) > 0 {
		t.Errorf("the second plan does\n\t%s\nwant nothing", strings.Join(balanced.plan, "\n\t"))
	}
	for _, name := range d.cloud.Names() {
		if strings.Contains(name, "gateway") {
			t.Errorf("there is %s", name)
		}
	}
	for _, name := range manifest.Names(manifest.HTTP) {
		if d.cloud.Resource("compute/projects/acme-mcp/global/backendServices/postern-"+name) == "" {
			t.Errorf("there is no backend for %s", name)
		}
	}
	// Another proof, as docs/deploy.md says, and a policy of Cloud Armor.
	const policy = "compute/projects/acme-mcp/global/securityPolicies/acme-edge"
	d.cloud.Put(policy, map[string]any{"name": "acme-edge"})
	d.set(straight + "security_policy = \"acme-edge\"\ndelete_protection = false\n")
	before := d.setting("token", "LOAD_BALANCER_PROOF")
	const proof = "terraform_data.load_balancer_proof[0]"
	d.run("apply", "-auto-approve", state, "-replace="+proof, "-target="+proof)
	d.apply()
	d.wantPlan()
	backend := d.cloud.Resource("compute/projects/acme-mcp/global/backendServices/postern-token")
	if after := d.setting("token", "LOAD_BALANCER_PROOF"); after == before || !strings.Contains(backend, after+" {client_ip_address}") {
		t.Errorf("the proof of token is %s and was %s, and its backend is\n%s", after, before, backend)
	}
	if !strings.Contains(backend, "securityPolicies/acme-edge") {
		t.Errorf("the backend goes by no policy:\n%s", backend)
	}
	if out, err := d.tryDestroy(); err != nil {
		t.Fatalf("destroy: %v\n%s", err, errorsOf(out))
	}
	if got := d.cloud.Names(); !slices.Equal(got, []string{policy}) {
		t.Errorf("destroy left\n\t%s\nwant the policy, which is not ours", strings.Join(got, "\n\t"))
	}
	ours := func(grant string) bool { return !strings.HasPrefix(grant, deployer) }
	if got := d.cloud.Grants(); slices.ContainsFunc(got, ours) {
		t.Errorf("destroy left the grants\n\t%s", strings.Join(got, "\n\t"))
	}
}

// TestTheFrontChangesAndChangesBack: with protection on, by one apply each way; what holds data, keys or clients is
// the same, and so is the address. Functions that have changed over do not serve what still comes by the other front:
// its proof is another.
func TestTheFrontChangesAndChangesBack(t *testing.T) {
	t.Parallel()
	d := fromNothing(t)
	before, first := d.stays(), d.setting("token", "LOAD_BALANCER_PROOF")
	d.set(straight)
	d.apply()
	d.wantPlan()
	if got := d.stays(); !slices.Equal(got, before) {
		t.Errorf("with a load balancer alone there are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(before, "\n\t"))
	}
	second := d.setting("token", "LOAD_BALANCER_PROOF")
	if d.setting("token", "TRUST_FORWARDED_AUTHORIZATION") != "" || d.setting("token", "LOAD_BALANCER_ONLY") != "true" || second == first {
		t.Error("token was not told of another front, or goes by the proof of the one before")
	}
	d.set(settings)
	d.apply()
	d.wantPlan()
	if got := d.stays(); !slices.Equal(got, before) {
		t.Errorf("back behind API Gateway there are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(before, "\n\t"))
	}
	if d.setting("token", "TRUST_FORWARDED_AUTHORIZATION") != "true" || d.setting("token", "LOAD_BALANCER_ONLY") != "" {
		t.Error("token was not told that it is behind API Gateway again")
	}
	if got := d.setting("token", "ISSUER_URL"); got != "https://auth.example.com" {
		t.Errorf("the issuer is %s", got)
	}
}

// stays lists what has to stay whatever the front is, with when it was made: all of kept but the gateway.
func (d *deployment) stays() []string {
	d.t.Helper()
	var names []string
	for name, made := range d.kept() {
		if !strings.HasPrefix(name, "apigateway/") {
			names = append(names, name+" "+made)
		}
	}
	slices.Sort(names)
	return names
}

// setting is a setting of a function as it is deployed.
func (d *deployment) setting(function, name string) string {
	d.t.Helper()
	var body struct {
		ServiceConfig struct{ EnvironmentVariables map[string]string }
	}
	d.must(json.Unmarshal([]byte(d.cloud.Resource(
		"cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/postern-"+function)), &body))
	return body.ServiceConfig.EnvironmentVariables[name]
}

// urlMap is the part of a url map that routes.
type urlMap struct {
	DefaultService string
	PathMatchers   []struct {
		DefaultService string
		RouteRules     []urlRule
	}
}

type urlRule struct {
	Priority   int
	Service    string
	MatchRules []struct{ FullPathMatch, PrefixMatch, PathTemplateMatch string }
}

// function finds the function of a path as Google does: the first rule by priority that matches.
func (m urlMap) function(p string) string {
	of := func(service string) string { return strings.TrimPrefix(path.Base(service), "postern-") }
	for _, r := range m.PathMatchers[0].RouteRules {
		match := r.MatchRules[0]
		template := strings.ReplaceAll(regexp.QuoteMeta(match.PathTemplateMatch), `\*\*`, ".*")
		template = strings.ReplaceAll(template, `\*`, "[^/]+")
		switch {
		case match.FullPathMatch != "" && match.FullPathMatch == p,
			match.PrefixMatch != "" && strings.HasPrefix(p, match.PrefixMatch),
			match.PathTemplateMatch != "" && regexp.MustCompile("^"+template+"$").MatchString(p):
			return of(r.Service)
		}
	}
	return of(m.PathMatchers[0].DefaultService)
}

// TestTheLoadBalancerKnowsThePathMap: the deployed rules send every path of terraform/gateway/openapi.yaml, and what
// is like one, where package gateway says that a load balancer sends it.
func TestTheLoadBalancerKnowsThePathMap(t *testing.T) {
	t.Parallel()
	d := straightFromNothing(t)
	var rules urlMap
	d.must(json.Unmarshal([]byte(d.cloud.Resource("compute/projects/acme-mcp/global/urlMaps/postern-functions")), &rules))
	slices.SortFunc(rules.PathMatchers[0].RouteRules, func(a, b urlRule) int { return a.Priority - b.Priority })
	m, err := gateway.Load()
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/mcp/", "/mcp/wiki/", "/mcp/wiki/.well-known/x", "/mcp/a/b/.well-known/x", "/register/a%2Fb", "//token", "/token/",
		"/%74oken", "/Token", "/register/a/", "/register/", "/.well-known", "/.well-known/", "/nothing", "/favicon.ico", "/x/../token",
	}
	for _, r := range m.Routes() {
		path := strings.NewReplacer("{rest=**}", "a/b", "{client_id}", "c_1", "{name}", "wiki").Replace(r.Path)
		paths = append(paths, path, path+"/", path+"/x", strings.ToUpper(path))
	}
	for _, path := range paths {
		if got, want := rules.function(path), m.Function(path); got != want {
			t.Errorf("%s goes to %s, want %s", path, got, want)
		}
	}
}
