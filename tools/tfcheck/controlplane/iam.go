package controlplane

import (
	"encoding/base64"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// policy is who may do what with a resource.
type policy struct {
	Etag     string
	Bindings []binding
}

type binding struct {
	Role      string
	Condition object
	// Members are by when they were granted the role.
	Members map[string]time.Duration
}

func (b binding) same(other binding) bool {
	return b.Role == other.Role && str(b.Condition, "expression") == str(other.Condition, "expression")
}

// specials are the methods that are about no resource of [kinds]: by HTTP method, service and verb.
var specials map[string]func(*call) (object, error)

func init() {
	specials = map[string]func(*call) (object, error){
		"GET cloudresourcemanager":                  projectGet,
		"POST cloudresourcemanager:getIamPolicy":    (*call).policyCall,
		"POST cloudresourcemanager:setIamPolicy":    (*call).policyCall,
		"POST serviceusage:batchEnable":             servicesEnable,
		"POST serviceusage:enable":                  servicesEnable,
		"POST serviceusage:generateServiceIdentity": serviceIdentity,
		"GET serviceusage":                          servicesList,
		"POST secretmanager:addVersion":             addVersion,
		"POST cloudscheduler:pause":                 jobState("PAUSED"),
		"POST cloudscheduler:resume":                jobState("ENABLED"),
	}
}

func projectGet(r *call) (object, error) {
	if r.path != "cloudresourcemanager/projects/"+r.project() && !strings.HasSuffix(r.path, "/"+Number) {
		return nil, refuse(http.StatusForbidden, "The caller does not have permission, or there is no %s", r.path)
	}
	return object{
		"projectId": r.project(), "projectNumber": Number, "name": r.project(), "lifecycleState": "ACTIVE",
		"createTime": "2026-01-01T00:00:00Z",
	}, nil
}

// policyCall is getIamPolicy and setIamPolicy of anything that is there.
func (r *call) policyCall() (object, error) {
	r.name = r.path
	if !r.c.lockable(r.name) {
		return nil, refuse(http.StatusNotFound, "Resource %q was not found", r.local())
	}
	p := r.c.state.Policies[r.name]
	if p == nil {
		p = &policy{Etag: "ACAB"}
		r.c.state.Policies[r.name] = p
	}
	if strings.HasSuffix(r.verb, "getIamPolicy") {
		return p.object(), nil
	}
	next, _ := r.body["policy"].(object)
	if err := r.c.setPolicy(p, next); err != nil {
		return nil, err
	}
	return p.object(), nil
}

// lockable says whether a name is there to have a policy. A function of the second
// generation is a service of run.
func (c *Cloud) lockable(name string) bool {
	if strings.HasPrefix(name, "run/") {
		function := strings.Replace(strings.Replace(name, "run/", "cloudfunctions/", 1), "/services/", "/functions/", 1)
		return c.state.Resources[name] != nil || c.state.Resources[function] != nil
	}
	return strings.HasPrefix(name, "cloudresourcemanager/") || c.state.Resources[name] != nil
}

func (p *policy) object() object {
	bindings := []any{}
	for _, b := range p.Bindings {
		members := []any{}
		for _, member := range slices.Sorted(maps.Keys(b.Members)) {
			members = append(members, member)
		}
		one := object{"role": b.Role, "members": members}
		if b.Condition != nil {
			one["condition"] = b.Condition
		}
		bindings = append(bindings, one)
	}
	return object{"version": 3, "etag": p.Etag, "bindings": bindings}
}

// setPolicy replaces a policy. Grants that were there keep their time.
func (c *Cloud) setPolicy(p *policy, next object) error {
	if etag := str(next, "etag"); etag != p.Etag {
		return &refusal{code: http.StatusConflict, reason: "aborted", message: "There were concurrent policy changes. " +
			"Please retry the whole read-modify-write with exponential backoff. The request's ETag " + etag +
			" did not match the current policy's ETag " + p.Etag}
	}
	var bindings []binding
	for _, item := range list(next, "bindings") {
		condition, _ := at(item, "condition").(object)
		b := binding{Role: str(item, "role"), Condition: condition, Members: map[string]time.Duration{}}
		if condition != nil && number(next, "version") != "3" {
			return refuse(http.StatusBadRequest, "a policy with conditions needs version 3")
		}
		for _, m := range list(item, "members") {
			member, _ := m.(string)
			since, had := p.since(b, member)
			if !had {
				if err := c.memberExists(member); err != nil {
					return err
				}
				since = c.state.Now
			}
			b.Members[member] = since
		}
		bindings = append(bindings, b)
	}
	p.Bindings, p.Etag = bindings, base64.StdEncoding.EncodeToString([]byte("policy-"+strconv.Itoa(c.serial())))
	return nil
}

// bucketPolicy puts storage's way to ask for a bucket's policy into the words of the other services.
func (r *call) bucketPolicy() {
	r.path, r.verb = path.Dir(r.path), ":getIamPolicy"
	if r.method == http.MethodPut {
		r.verb, r.body = ":setIamPolicy", object{"policy": r.body}
	}
}

func (p *policy) since(like binding, member string) (time.Duration, bool) {
	for _, b := range p.Bindings {
		if since, ok := b.Members[member]; ok && b.same(like) {
			return since, true
		}
	}
	return 0, false
}

func (c *Cloud) memberExists(member string) error {
	email, isAccount := strings.CutPrefix(member, "serviceAccount:")
	if !isAccount || c.account(email) {
		return nil
	}
	return refuse(http.StatusBadRequest, "Service account %s does not exist.", email)
}

// account says whether there is a service account: one that was made, or a service's own.
func (c *Cloud) account(email string) bool {
	return c.state.Resources["iam/projects/"+c.project+"/serviceAccounts/"+email] != nil ||
		c.state.Resources["serviceusage/identities/"+email] != nil ||
		email == agent("storage.googleapis.com") // who asks for its name makes it
}

// may says whether a service account has a role on one of these names or on the project.
func (c *Cloud) may(email, role string, names ...string) bool {
	return c.holds("serviceAccount:"+email, []string{role}, append(names, "cloudresourcemanager/projects/"+c.project)...)
}

// forget marks what was granted to a service account that is deleted.
func (c *Cloud) forget(email string) {
	for _, p := range c.state.Policies {
		for _, b := range p.Bindings {
			if since, ok := b.Members["serviceAccount:"+email]; ok {
				delete(b.Members, "serviceAccount:"+email)
				b.Members["deleted:serviceAccount:"+email] = since
			}
		}
	}
}

// Grants returns who has what in the whole project, as "member role name condition" in order.
func (c *Cloud) Grants() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var grants []string
	for name, p := range c.state.Policies {
		for _, b := range p.Bindings {
			for member := range b.Members {
				if member != Owner {
					grants = append(grants, strings.TrimSpace(member+" "+b.Role+" "+name+" "+str(b.Condition, "expression")))
				}
			}
		}
	}
	slices.Sort(grants)
	return grants
}

func (c *Cloud) enable(api string) {
	name := "projects/" + Number + "/services/" + api
	c.state.Resources["serviceusage/services/"+api] = object{
		"name": name, "parent": "projects/" + Number, "state": "ENABLED", "config": object{"name": api},
	}
	// These two have their account at once, others when it is asked for.
	if api == "cloudfunctions.googleapis.com" || api == "run.googleapis.com" {
		c.state.Resources["serviceusage/identities/"+agent(api)] = object{"email": agent(api)}
	}
}

// enabled refuses a call to a service that nobody has enabled.
func (c *Cloud) enabled(service string) error {
	api := service + ".googleapis.com"
	if c.state.Resources["serviceusage/services/"+api] != nil {
		return nil
	}
	return &refusal{code: http.StatusForbidden, reason: "SERVICE_DISABLED", message: api +
		" has not been used in project " + c.project + " before or it is disabled."}
}

func servicesEnable(r *call) (object, error) {
	names := list(r.body, "serviceIds")
	if len(names) == 0 {
		names = []any{path.Base(r.path)}
	}
	r.name = r.path
	if err := r.fault(true); err != nil {
		return r.operation(nil, err), nil
	}
	var services []any
	for _, name := range names {
		if api, ok := name.(string); ok {
			r.c.enable(api)
			services = append(services, r.c.state.Resources["serviceusage/services/"+api])
		}
	}
	return r.operation(object{"services": services}, nil), nil
}

func servicesList(r *call) (object, error) {
	services := []any{}
	for _, name := range slices.Sorted(maps.Keys(r.c.state.Resources)) {
		if strings.HasPrefix(name, "serviceusage/services/") {
			services = append(services, r.c.state.Resources[name])
		}
	}
	return object{"services": services}, nil
}

// agents are the services' own accounts, by what stands behind service-NUMBER@.
var agents = map[string]string{
	"apigateway.googleapis.com":       "gcp-sa-apigateway",
	"artifactregistry.googleapis.com": "gcp-sa-artifactregistry",
	"cloudbuild.googleapis.com":       "gcp-sa-cloudbuild",
	"cloudfunctions.googleapis.com":   "gcf-admin-robot",
	"eventarc.googleapis.com":         "gcp-sa-eventarc",
	"firestore.googleapis.com":        "gcp-sa-firestore",
	"pubsub.googleapis.com":           "gcp-sa-pubsub",
	"run.googleapis.com":              "serverless-robot-prod",
	"secretmanager.googleapis.com":    "gcp-sa-secretmanager",
	"sqladmin.googleapis.com":         "gcp-sa-cloud-sql",
	"storage.googleapis.com":          "gs-project-accounts",
}

func agent(api string) string {
	return "service-" + Number + "@" + agents[api] + ".iam.gserviceaccount.com"
}

func serviceIdentity(r *call) (object, error) {
	api := path.Base(r.path)
	r.name = r.path
	if err := r.c.enabled(strings.TrimSuffix(api, ".googleapis.com")); err != nil {
		return nil, err
	}
	if agents[api] == "" {
		return nil, refuse(http.StatusNotImplemented, "the control plane does not know the account of %s: "+
			"name it in agents, tools/tfcheck/controlplane/iam.go", api)
	}
	if err := r.fault(true); err != nil {
		return r.operation(nil, err), nil
	}
	email := agent(api)
	r.c.state.Resources["serviceusage/identities/"+email] = object{"email": email}
	return r.operation(object{"email": email, "uniqueId": "20" + strconv.Itoa(r.c.serial())}, nil), nil
}
