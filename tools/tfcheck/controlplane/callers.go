package controlplane

import (
	"cmp"
	"net/http"
	"path"
	"strings"
	"time"
)

// owner is the role that has all others, in its project.
const owner = "roles/owner"

// administrators are the predefined roles by which a caller makes, changes, deletes and locks what is
// there, by what its names begin with; the first that fits is it. Each can look at it, too.
var administrators = []struct{ names, role string }{
	{"apigateway/", "roles/apigateway.admin"},
	{"artifactregistry/", "roles/artifactregistry.admin"},
	{"billingbudgets/", "roles/billing.costsManager"},
	{"certificatemanager/", "roles/certificatemanager.owner"},
	{"clouddns/", "roles/dns.admin"},
	{"cloudfunctions/", "roles/cloudfunctions.admin"},
	{"cloudkms/", "roles/cloudkms.admin"},
	{"cloudresourcemanager/", "roles/resourcemanager.projectIamAdmin"},
	{"cloudscheduler/", "roles/cloudscheduler.admin"},
	{"compute/projects/*/global/securityPolicies", "roles/compute.securityAdmin"},
	{"compute/", "roles/compute.loadBalancerAdmin"},
	{"eventarc/", "roles/eventarc.admin"},
	{"firestore/", "roles/datastore.owner"},
	{"iam/projects/*/serviceAccounts", "roles/iam.serviceAccountAdmin"},
	{"iam/projects/*/locations", "roles/iam.workloadIdentityPoolAdmin"},
	{"logging/", "roles/logging.configWriter"},
	{"monitoring/", "roles/monitoring.editor"},
	{"run/", "roles/run.admin"},
	{"secretmanager/", "roles/secretmanager.admin"},
	{"servicenetworking/", "roles/compute.networkAdmin"},
	{"serviceusage/", "roles/serviceusage.serviceUsageAdmin"},
	{"sqladmin/", "roles/cloudsql.admin"},
	{"storage/", "roles/storage.admin"},
}

// acting are the accounts that something runs or calls as: who makes it has to be allowed to use them.
var acting = []struct {
	service string
	account []string
}{
	{"apigateway", []string{"gatewayConfig", "backendConfig", "googleServiceAccount"}},
	{"cloudfunctions", []string{"buildConfig", "serviceAccount"}},
	{"cloudfunctions", []string{"eventTrigger", "serviceAccountEmail"}},
	{"cloudfunctions", []string{"serviceConfig", "serviceAccountEmail"}},
	{"cloudscheduler", []string{"httpTarget", "oidcToken", "serviceAccountEmail"}},
	{"eventarc", []string{"serviceAccount"}},
}

// administrator is the role that a caller needs to change what has a name.
func administrator(name string) string {
	for _, row := range administrators {
		if begins(name, row.names) {
			return row.role
		}
	}
	return owner
}

// begins says whether a name begins with a pattern in which * is a word.
func begins(name, pattern string) bool {
	words, want := strings.Split(name, "/"), strings.Split(strings.TrimSuffix(pattern, "/"), "/")
	if len(words) < len(want) {
		return false
	}
	ok, _ := path.Match(strings.Join(want, "/"), strings.Join(words[:len(want)], "/"))
	return ok
}

// permitted refuses a caller without the role for what it asks, by the name of that role. The project's roles
// count for all that is in the project, for what is elsewhere those that it has there.
func (r *call) permitted() error {
	role := administrator(r.target())
	roles := []string{role, owner}
	switch {
	case strings.HasSuffix(r.verb, "getIamPolicy"):
		roles = append(roles, "roles/iam.securityReviewer")
	case r.method == http.MethodGet:
		roles = append(roles, "roles/viewer")
	}
	names := []string{r.target()}
	for name := path.Dir(r.target()); strings.Contains(name, "/"); name = path.Dir(name) {
		names = append(names, name)
	}
	if !r.elsewhere() {
		names = append(names, "cloudresourcemanager/projects/"+r.project())
	}
	if r.c.holds(r.caller, roles, names...) {
		return nil
	}
	return &refusal{code: http.StatusForbidden, reason: "forbidden",
		message: "Permission denied on " + r.target() + r.verb + ": " + cmp.Or(r.caller, "nobody") + " lacks " + role}
}

// elsewhere: not in the project.
func (r *call) elsewhere() bool {
	_, local, _ := strings.Cut(r.path, "/")
	if service(r.path) == "billingbudgets" {
		return true
	}
	return strings.HasPrefix(local, "projects/") && !strings.HasPrefix(local+"/", "projects/"+r.project()+"/")
}

// mayAct refuses to let something run as an account that its maker may not use.
func (r *call) mayAct() error {
	const role = "roles/iam.serviceAccountUser"
	for _, row := range acting {
		email := path.Base(str(r.body, row.account...))
		if row.service != service(r.name) || email == "." {
			continue
		}
		account := "iam/projects/" + r.project() + "/serviceAccounts/" + email
		if !r.c.holds(r.caller, []string{role, owner}, account, "cloudresourcemanager/projects/"+r.project()) {
			return refuse(http.StatusForbidden, "Permission 'iam.serviceAccounts.actAs' denied on service account %s: "+
				"%s lacks %s", email, r.caller, role)
		}
	}
	return nil
}

// holds says whether a member has one of the roles on one of these names, and for long enough for it to
// have taken effect.
func (c *Cloud) holds(member string, roles []string, names ...string) bool {
	for _, name := range names {
		p := c.state.Policies[name]
		if p == nil {
			continue
		}
		for _, b := range p.Bindings {
			since, ok := b.Members[member]
			for _, role := range roles {
				if ok && b.Role == role && since+c.grants <= c.state.Now {
					return true
				}
			}
		}
	}
	return false
}

// Grant lets a member have a role on what has a name, service first, as somebody else did long ago.
func (c *Cloud) Grant(name, member, role string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.state.Policies[name]
	if p == nil {
		p = &policy{Etag: "ACAB"}
		c.state.Policies[name] = p
	}
	p.Bindings = append(p.Bindings, binding{Role: role, Members: map[string]time.Duration{member: c.state.Now - c.grants}})
}
