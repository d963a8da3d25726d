package plan

import (
	"path/filepath"
	"testing"
)

// TestPoliciesOfAnOrganisation: said once, every function goes out through the network and every secret
// is in the regions that may have it; unsaid, the platform's way and Google's choice.
func TestPoliciesOfAnOrganisation(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	_, packages := s.packages()
	state := filepath.Join(s.tmp, "policy.tfstate")
	s.writeState(state)
	for _, tt := range []struct {
		egress, direct, subnetwork, connector, traffic string
	}{
		{
			`{ network = "default", subnetwork = "functions", all_traffic = true }`,
			"VPC_EGRESS_ALL_TRAFFIC", "functions", "", "",
		},
		{`{ connector = "postern" }`, "", "", "postern", "PRIVATE_RANGES_ONLY"},
	} {
		p := s.plan(state, append(settings, packages, "egress="+tt.egress,
			`secret_locations=["europe-west1", "europe-west4"]`)...)
		for name, f := range p.functions(t) {
			for field, want := range map[string]string{
				"direct_vpc_egress": tt.direct, "vpc_connector": tt.connector, "vpc_connector_egress_settings": tt.traffic,
			} {
				if got := str(f.Values, "service_config", field); got != want {
					t.Errorf("%s: %s: %s is %q, want %q", tt.egress, name, field, got, want)
				}
			}
			got := str(f.Values, "service_config", "direct_vpc_network_interface", "subnetwork")
			if got != tt.subnetwork {
				t.Errorf("%s: %s: subnetwork is %q, want %q", tt.egress, name, got, tt.subnetwork)
			}
		}
		for address, secret := range p.ofType("google_secret_manager_secret") {
			replicas := list(secret.Values, "replication", "user_managed", "replicas")
			if len(replicas) != 2 || str(replicas[0], "location") != "europe-west1" {
				t.Errorf("%s: replicas are %v, want those in europe-west1 and europe-west4", address, replicas)
			}
		}
	}
	for name, f := range firstPlan(t).functions(t) {
		if got := str(f.Values, "service_config", "direct_vpc_egress"); got != "" {
			t.Errorf("%s: without egress, direct_vpc_egress is %s", name, got)
		}
	}
}
