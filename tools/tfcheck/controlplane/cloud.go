// Package controlplane plays the part of Google Cloud that Terraform talks to: the
// REST calls by which the Google provider makes, reads, changes and deletes what
// terraform/ describes. The provider finds it by its own custom endpoint
// variables ([Cloud.Environment]); the configuration is not changed for it.
//
// Almost every API of Google has one shape: a collection takes a POST, a name
// takes GET, PATCH and DELETE, and slow ones answer with an operation to look at
// again. So there is one store of resources, and a table, [kinds], says where a
// kind differs: what Google adds to it, and for what it is refused.
//
// Its clock does not run by itself: see [Cloud.Wait].
package controlplane

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Number is the number of every project, which its service agents are named by.
const Number = "123456789012"

// Owner is an owner of the project, and who calls by [Cloud.Environment]. An access token here is the name of who
// has it, so GOOGLE_OAUTH_ACCESS_TOKEN says who else calls.
const Owner = "user:owner@example.com"

// Cloud is a control plane with one project in it. It is safe for use by several
// goroutines.
type Cloud struct {
	project string
	grants  time.Duration
	server  *httptest.Server

	mu     sync.Mutex
	state  state
	faults []*Fault
	calls  []Call
}

// state is everything that lives on in a copy.
type state struct {
	// Now is how long the cloud has been there.
	Now time.Duration
	// Serial counts what has been made: ids, etags and addresses follow it.
	Serial int
	// Resources are bodies by name, service first: firestore/projects/P/databases/D.
	Resources map[string]object
	// Policies are by the name of what they lock.
	Policies map[string]*policy
	// Operations are by name, service first, as the next look at them answers.
	Operations map[string]object
	// KeysOnly is a policy of the organisation, see [Cloud.DemandKeys].
	KeysOnly bool
}

// Call is a request that has been answered.
type Call struct {
	Method string
	// Path is the service and the name, with the verb of a custom method: secretmanager/projects/P/secrets/X:getIamPolicy.
	Path   string
	Status int
}

// Start starts a control plane with one project on a free port of 127.0.0.1. A new
// project has the two services that let others be enabled. A grant takes effect
// that long after it was made.
func Start(project string, grants time.Duration) *Cloud {
	c := &Cloud{project: project, grants: grants, state: state{
		Resources:  map[string]object{},
		Policies:   map[string]*policy{},
		Operations: map[string]object{},
	}}
	c.enable("serviceusage.googleapis.com")
	c.enable("cloudresourcemanager.googleapis.com")
	c.Grant("cloudresourcemanager/projects/"+project, Owner, owner)
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// Close stops the server. What was made is gone.
func (c *Cloud) Close() { c.server.Close() }

// Save returns everything that is there as JSON, for [Load]. Faults and calls are not in it.
func (c *Cloud) Save() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, err := json.Marshal(c.state)
	if err != nil {
		panic(fmt.Sprintf("controlplane: save: %v", err)) // maps of JSON that came as JSON
	}
	return data
}

// Load starts a control plane in which everything is as it was saved.
func Load(saved []byte, project string, grants time.Duration) (*Cloud, error) {
	c := Start(project, grants)
	c.state = state{}
	if err := json.Unmarshal(saved, &c.state); err != nil {
		c.Close()
		return nil, fmt.Errorf("control plane: load: %w", err)
	}
	if name := "cloudresourcemanager/projects/" + project; !c.holds(Owner, []string{owner}, name) {
		c.Grant(name, Owner, owner) // it was saved before callers needed roles
	}
	return c, nil
}

// services are those the provider is sent here for: its variable's name without GOOGLE_ and
// _CUSTOM_ENDPOINT, and the path that it appends names to.
var services = map[string]string{
	"API_GATEWAY":         "apigateway/v1beta/",
	"ARTIFACT_REGISTRY":   "artifactregistry/v1/",
	"BILLING":             "billingbudgets/v1/",
	"CERTIFICATE_MANAGER": "certificatemanager/v1/",
	"CLOUDFUNCTIONS2":     "cloudfunctions/v2/",
	"CLOUD_RUN":           "run/",
	"CLOUD_RUN_V2":        "run/v2/",
	"CLOUD_SCHEDULER":     "cloudscheduler/v1/",
	"COMPUTE":             "compute/v1/",
	"CORE_BILLING":        "cloudbilling/v1/",
	"DNS":                 "clouddns/", // its client cuts /dns/ off
	"EVENTARC":            "eventarc/v1/",
	"FIRESTORE":           "firestore/v1/",
	"IAM":                 "iam/v1/",
	"IAM_BETA":            "iam/v1/",
	"KMS":                 "cloudkms/v1/",
	"LOGGING":             "logging/v2/",
	"MONITORING":          "monitoring/",
	"RESOURCE_MANAGER":    "cloudresourcemanager/v1/",
	"SECRET_MANAGER":      "secretmanager/v1/",
	"SERVICE_NETWORKING":  "servicenetworking/v1/",
	"SERVICE_USAGE":       "serviceusage/v1/",
	"SQL":                 "sqladmin/v1/",
	"STORAGE":             "storage/v1/",
}

// Environment is what makes the Google provider talk to this control plane, NAME=value.
func (c *Cloud) Environment() []string {
	env := []string{"GOOGLE_OAUTH_ACCESS_TOKEN=" + Owner}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		env = append(env, fmt.Sprintf("GOOGLE_%s_CUSTOM_ENDPOINT=%s/%s", name, c.server.URL, services[name]))
	}
	return env
}

// URL is where the control plane listens. POST URL/wait?seconds=N is [Cloud.Wait].
func (c *Cloud) URL() string { return c.server.URL }

// Wait moves the clock to that long after its present time. Nothing else moves it: what
// a client does not wait for by itself has not happened yet, so an order that only
// works because something else is slow does not work here.
func (c *Cloud) Wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Now += d
}

// Now is how long the cloud has been there.
func (c *Cloud) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Now
}

// Calls returns what has been asked so far.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Names returns the names of all resources, service first, but for the services of the project.
func (c *Cloud) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.state.Resources)), func(name string) bool {
		return strings.HasPrefix(name, "serviceusage/")
	})
}

// Resource returns a copy of the body of a resource, as an indented document; empty if there is none.
func (c *Cloud) Resource(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, ok := c.state.Resources[name]
	if !ok {
		return ""
	}
	data, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("controlplane: %s: %v", name, err)) // it came as JSON
	}
	return string(data)
}

// Put makes a resource behind Terraform's back, or changes it.
func (c *Cloud) Put(name string, body map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Resources[name] = body
}

// Fault makes calls fail.
type Fault struct {
	// Method and Path select calls; Path is a part of Call.Path and, for one that makes
	// something, of what will be its name.
	Method, Path string
	// Code and Message are Google's error; no code is 503.
	Code    int
	Message string
	// Later takes the call and lets its operation fail.
	Later bool
	// Times is how often; zero is once.
	Times int
}

// Fail adds a fault.
func (c *Cloud) Fail(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Code = cmp.Or(f.Code, http.StatusServiceUnavailable)
	f.Message = cmp.Or(f.Message, "the service is currently unavailable")
	f.Times = cmp.Or(f.Times, 1)
	c.faults = append(c.faults, &f)
}

// Faults returns what has not happened yet, as "method path".
func (c *Cloud) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left []string
	for _, f := range c.faults {
		left = append(left, f.Method+" "+f.Path)
	}
	return left
}

// fault returns the error of the first fault that is about a call, and uses it up.
func (r *call) fault(later bool) error {
	for i, f := range r.c.faults {
		if f.Later != later || f.Method != r.method || !strings.Contains(r.target()+r.verb, f.Path) {
			continue
		}
		if f.Times--; f.Times == 0 {
			r.c.faults = slices.Delete(r.c.faults, i, i+1)
		}
		return &refusal{code: f.Code, message: f.Message}
	}
	return nil
}

// serial numbers what is made.
func (c *Cloud) serial() int {
	c.state.Serial++
	return c.state.Serial
}

// time is the clock as Google writes times.
func (c *Cloud) time() string {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(c.state.Now).Format(time.RFC3339)
}
