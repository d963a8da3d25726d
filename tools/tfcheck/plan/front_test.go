package plan

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
)

// straightProof is what the load balancer proves itself by where it is alone in front, sha256 of the front's name and
// the proof of the state: what one front sends is worth nothing to functions behind the other.
var straightProof = fmt.Sprintf("%x", sha256.Sum256([]byte("load-balancer "+proof)))

// straight is the plan of a first apply with the load balancer alone in front.
var straight struct {
	sync.Once
	p    planned
	text string // as a person, or the log of a pipeline, reads it
}

func straightPlan(t *testing.T) planned {
	t.Helper()
	straight.Do(func() {
		s := newSpace(t)
		_, packages := s.packages()
		state := filepath.Join(s.tmp, "straight.tfstate")
		s.writeState(state)
		straight.p = s.plan(state, append(settings, packages, "front=load-balancer")...)
		straight.text = string(s.run("show", "-no-color", filepath.Join(s.tmp, "plan")))
	})
	if straight.p.raw == nil {
		t.Fatal("the plan failed, see the test that made it")
	}
	return straight.p
}

// TestNothingOfAPIGatewayIsLeft: with front = "load-balancer" none of it is made or enabled.
func TestNothingOfAPIGatewayIsLeft(t *testing.T) {
	t.Parallel()
	for address, r := range straightPlan(t).resources() {
		service := str(r.Values, "service")
		if strings.Contains(address, "gateway") || strings.Contains(r.Type, "api_gateway") ||
			slices.Contains([]string{
				"apigateway.googleapis.com", "servicecontrol.googleapis.com", "servicemanagement.googleapis.com",
			}, service) {
			t.Errorf("%s is planned", address)
		}
	}
}

// TestOnlyTheLoadBalancerReachesTheFunctions: IAM cannot know a load balancer, so it lets everybody call,
// and what may is decided by where a call comes from and by its proof (HT-10). The function that events start
// stays as it is.
func TestOnlyTheLoadBalancerReachesTheFunctions(t *testing.T) {
	t.Parallel()
	p := straightPlan(t)
	invokers := map[string]string{}
	for _, r := range p.ofType("google_cloud_run_service_iam_member") {
		name := strings.TrimPrefix(str(r.Values, "service"), "postern-")
		invokers[name] = cmp.Or(invokers[name], str(r.Values, "role")+" "+str(r.Values, "member"))
	}
	for name, f := range p.functions(t) {
		row, _ := manifest.ByName(name)
		ingress, invoker := "ALLOW_INTERNAL_AND_GCLB", "roles/run.invoker allUsers"
		want := map[string]string{
			"LOAD_BALANCER_ONLY": "true", "LOAD_BALANCER_PROOF": straightProof, "TRUST_FORWARDED_AUTHORIZATION": "", "FORWARDED_FOR_HOPS": "2",
		}
		if row.Trigger == manifest.Event {
			ingress = "ALLOW_INTERNAL_ONLY"
			invoker = "roles/run.invoker serviceAccount:postern-cascade-trigger@acme-mcp.iam.gserviceaccount.com"
			want = map[string]string{"LOAD_BALANCER_ONLY": "", "LOAD_BALANCER_PROOF": ""}
		}
		if got := str(f.Values, "service_config", "ingress_settings"); got != ingress {
			t.Errorf("%s: ingress %s, want %s", name, got, ingress)
		}
		if invokers[name] != invoker {
			t.Errorf("%s: %s may call, want %s", name, invokers[name], invoker)
		}
		for setting, value := range want {
			if got := environment(f)[setting]; got != value {
				t.Errorf("%s: %s is %q, want %q", name, setting, got, value)
			}
		}
		for setting := range environment(f) {
			if !row.Reads(setting) {
				t.Errorf("%s does not read %s", name, setting)
			}
		}
	}
}

// TestEachFunctionHasABackend: one group and one backend for each, whose requests carry the proof.
func TestEachFunctionHasABackend(t *testing.T) {
	t.Parallel()
	p := straightPlan(t)
	services := map[string]bool{}
	for address, r := range p.ofType("google_compute_region_network_endpoint_group") {
		if got := str(r.Values, "network_endpoint_type"); got != "SERVERLESS" || str(r.Values, "region") != "europe-west1" {
			t.Errorf("%s is %s in %s", address, got, str(r.Values, "region"))
		}
		services[str(r.Values, "cloud_run", "service")] = true
	}
	backends := map[string]bool{}
	for address, r := range p.ofType("google_compute_backend_service") {
		backends[str(r.Values, "name")] = true
		want := []any{"X-Postern-Load-Balancer: " + straightProof + " {client_ip_address}"}
		if got := list(r.Values, "custom_request_headers"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s sends %v, want %v", address, got, want)
		}
		if log := at(r.Values, "log_config", "enable"); log != false {
			t.Errorf("%s logs requests, and with them codes", address)
		}
	}
	for _, name := range manifest.Names(manifest.HTTP) {
		if !services["postern-"+name] || !backends["postern-"+name] {
			t.Errorf("%s has no backend: services are %v, backends %v", name, services, backends)
		}
	}
	if want := len(manifest.Names(manifest.HTTP)); len(services) != want || len(backends) != want {
		t.Errorf("got services %v and backends %v, want %d of each", services, backends, want)
	}
}

// TestAPlanDoesNotShowTheProof: a pipeline writes plans where more people read than may know it.
func TestAPlanDoesNotShowTheProof(t *testing.T) {
	t.Parallel()
	straightPlan(t)
	if !strings.Contains(straight.text, `"LOAD_BALANCER_ONLY"`) {
		t.Errorf("there is no setting of a function in the plan:\n%s", straight.text)
	}
	for _, secret := range []string{proof, straightProof} {
		if strings.Contains(straight.text, secret) {
			t.Errorf("the plan shows %s", secret)
		}
	}
}
