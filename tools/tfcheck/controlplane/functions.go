package controlplane

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// gatewayRegions have API Gateway.
var gatewayRegions = []string{
	"asia-northeast1", "australia-southeast1", "europe-west1", "europe-west2",
	"us-central1", "us-east1", "us-east4", "us-west2", "us-west3", "us-west4",
}

// functionRegions have functions: those of API Gateway and some more.
var functionRegions = append([]string{
	"asia-east1", "asia-southeast1", "europe-north1", "europe-west3", "europe-west4", "europe-west6", "europe-west8",
	"europe-west9", "northamerica-northeast1", "southamerica-east1", "us-east5", "us-south1", "us-west1",
}, gatewayRegions...)

// databaseRegions have Firestore: those of functions and what spans several.
var databaseRegions = append([]string{"eur3", "nam5", "nam7"}, functionRegions...)

func offered(r *call, regions []string, location, what string) error {
	if slices.Contains(regions, location) {
		return nil
	}
	return refuse(http.StatusNotFound, "Location %s is not found or access is unauthorized: %s is not offered there.",
		location, what)
}

func databaseLocation(r *call) error {
	return offered(r, databaseRegions, str(r.body, "locationId"), "Firestore")
}

func database(r *call, body object) {
	for field, value := range map[string]any{
		"appEngineIntegrationMode": "DISABLED", "databaseEdition": "STANDARD", "keyPrefix": "s",
		"deleteProtectionState": "DELETE_PROTECTION_DISABLED", "concurrencyMode": "PESSIMISTIC",
	} {
		if body[field] == nil {
			body[field] = value
		}
	}
	body["versionRetentionPeriod"] = "3600s"
	if body["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_ENABLED" {
		body["versionRetentionPeriod"] = "604800s"
	}
	body["earliestVersionTime"] = r.c.time()
}

func databaseProtected(r *call, body object) error {
	if body["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED" {
		return refuse(http.StatusBadRequest, "Database has delete protection enabled. "+
			"Disable delete protection before deleting it.")
	}
	return nil
}

// field: one whose settings are cleared has those of its database.
func field(r *call, body object) {
	if _, ok := body["ttlConfig"].(object); ok {
		body["ttlConfig"] = object{"state": "ACTIVE"}
	}
	if body["indexConfig"] == nil {
		body["indexConfig"] = object{"usesAncestorConfig": true}
	} else if config, ok := body["indexConfig"].(object); ok {
		delete(config, "usesAncestorConfig")
	}
}

func addVersion(r *call) (object, error) {
	r.path += "/versions"
	r.kind, r.verb, r.name = find(r.path), "", r.path+"/"+strconv.Itoa(r.c.versions(r.path)+1)
	if err := r.c.enabled("secretmanager"); err != nil {
		return nil, err
	}
	return r.create()
}

// versions is the number of the newest version, zero if there is none.
func (c *Cloud) versions(collection string) int {
	newest := 0
	for name := range c.state.Resources {
		if path.Dir(name) == collection {
			n, _ := strconv.Atoi(path.Base(name))
			newest = max(newest, n)
		}
	}
	return newest
}

// AddVersion gives a secret a version, as postern keys does.
func (c *Cloud) AddVersion(secret string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &call{c: c, method: http.MethodPost, path: "secretmanager/projects/" + c.project + "/secrets/" + secret,
		verb: ":addVersion", body: object{}}
	_, err := addVersion(r)
	return err
}

func functionRefused(r *call) error {
	if err := offered(r, functionRegions, r.location(), "Cloud Functions"); err != nil {
		return err
	}
	for _, api := range []string{"cloudbuild", "artifactregistry", "run"} {
		if err := r.c.enabled(api); err != nil {
			return err
		}
	}
	if err := imagesRefused(r); err != nil {
		return err
	}
	source, _ := at(r.body, "buildConfig", "source", "storageSource").(object)
	zip := "storage/b/" + str(source, "bucket") + "/o/" + str(source, "object")
	if r.c.state.Resources[zip] == nil {
		return refuse(http.StatusBadRequest, "Could not find the source: gs://%s/%s does not exist",
			str(source, "bucket"), str(source, "object"))
	}
	builder := path.Base(str(r.body, "buildConfig", "serviceAccount"))
	for _, email := range []string{builder, str(r.body, "serviceConfig", "serviceAccountEmail")} {
		if !r.c.account(email) {
			return refuse(http.StatusBadRequest, "Service account %s does not exist.", email)
		}
	}
	return nil
}

// builderRoles are what the account of a build needs.
var builderRoles = []string{
	"roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer",
}

// functionFails builds and starts a function.
func functionFails(r *call) error {
	builder := path.Base(str(r.body, "buildConfig", "serviceAccount"))
	bucket := "storage/b/" + str(r.body, "buildConfig", "source", "storageSource", "bucket")
	for _, role := range builderRoles {
		if !r.c.may(builder, role, bucket) {
			return refuse(http.StatusBadRequest, "Build failed: the service account %s lacks %s", builder, role)
		}
	}
	if err := secretsReadable(r); err != nil {
		return err
	}
	if trigger, ok := r.body["eventTrigger"].(object); ok {
		return r.c.events(r, str(trigger, "serviceAccountEmail"), str(trigger, "triggerRegion"),
			list(trigger, "eventFilters"))
	}
	return nil
}

// secretsReadable: a revision whose account cannot read what it mounts does not start.
func secretsReadable(r *call) error {
	runtime := str(r.body, "serviceConfig", "serviceAccountEmail")
	for _, volume := range append(list(r.body, "serviceConfig", "secretVolumes"),
		list(r.body, "serviceConfig", "secretEnvironmentVariables")...) {
		name := "secretmanager/projects/" + r.project() + "/secrets/" + str(volume, "secret")
		if r.c.state.Resources[name] == nil {
			return refuse(http.StatusBadRequest, "Secret %s was not found", name)
		}
		if !r.c.may(runtime, "roles/secretmanager.secretAccessor", name) {
			return refuse(http.StatusBadRequest, "Permission denied on secret: %s for Revision service account %s. "+
				"The service account used must be granted the 'Secret Manager Secret Accessor' role", name, runtime)
		}
		if !r.c.hasVersion(name) {
			return refuse(http.StatusBadRequest, "Secret %s/versions/latest was not found", name)
		}
	}
	return nil
}

func (c *Cloud) hasVersion(secret string) bool {
	for name, body := range c.state.Resources {
		if path.Dir(name) == secret+"/versions" && body["state"] == "ENABLED" {
			return true
		}
	}
	return false
}

// events lets a service account get the events of a database.
func (c *Cloud) events(r *call, email, region string, filters []any) error {
	for _, api := range []string{"eventarc", "pubsub"} {
		if err := c.enabled(api); err != nil {
			return err
		}
	}
	if !c.account(agent("eventarc.googleapis.com")) ||
		!c.may(agent("eventarc.googleapis.com"), "roles/eventarc.serviceAgent") {
		return refuse(http.StatusBadRequest, "Permission denied while using the Eventarc Service Agent. If you recently "+
			"started to use Eventarc, it may take a few minutes before all necessary permissions are propagated.")
	}
	if !c.account(email) {
		return refuse(http.StatusBadRequest, "Service account %s does not exist.", email)
	}
	if !c.may(email, "roles/eventarc.eventReceiver") {
		return refuse(http.StatusBadRequest, "Permission \"eventarc.events.receiveEvent\" denied on %s", email)
	}
	for _, filter := range filters {
		if str(filter, "attribute") != "database" {
			continue
		}
		found := c.state.Resources["firestore/projects/"+c.project+"/databases/"+str(filter, "value")]
		if found == nil {
			return refuse(http.StatusBadRequest, "database %s was not found", str(filter, "value"))
		}
		if location := str(found, "locationId"); location != region {
			return refuse(http.StatusBadRequest, "a trigger in %s cannot watch a database in %s", region, location)
		}
	}
	return nil
}

func function(r *call, body object) {
	config, _ := body["serviceConfig"].(object)
	if config == nil {
		config = object{}
		body["serviceConfig"] = config
	}
	name := path.Base(r.name)
	config["service"] = "projects/" + r.project() + "/locations/" + r.location() + "/services/" + name
	config["uri"] = "https://" + name + "-" + Number + ".a.run.app"
	config["revision"] = name + "-" + strconv.Itoa(r.c.serial())
	environment, _ := config["environmentVariables"].(object)
	if environment = maps.Clone(environment); environment == nil {
		environment = object{}
	}
	environment["LOG_EXECUTION_ID"] = "true"
	config["environmentVariables"] = environment
	if trigger, ok := body["eventTrigger"].(object); ok {
		trigger["trigger"] = "projects/" + r.project() + "/locations/" + str(trigger, "triggerRegion") +
			"/triggers/" + name + "-trigger"
	}
	body["environment"] = "GEN_2"
	body["state"] = "ACTIVE"
	body["url"] = "https://" + r.location() + "-" + r.project() + ".cloudfunctions.net/" + name
	if build, ok := body["buildConfig"].(object); ok {
		build["build"] = "projects/" + Number + "/locations/" + r.location() + "/builds/" + strconv.Itoa(r.c.serial())
		if build["dockerRepository"] == nil {
			build["dockerRepository"] = "projects/" + r.project() + "/locations/" + r.location() +
				"/repositories/gcf-artifacts"
		}
		if build["automaticUpdatePolicy"] == nil {
			build["automaticUpdatePolicy"] = object{}
		}
	}
}

func triggerRefused(r *call) error {
	run, _ := at(r.body, "destination", "cloudRun").(object)
	name := "run/projects/" + r.project() + "/locations/" + str(run, "region") + "/services/" + str(run, "service")
	if run != nil && !r.c.lockable(name) {
		return refuse(http.StatusNotFound, "The destination %s was not found", name)
	}
	return nil
}

func triggerFails(r *call) error {
	email := path.Base(str(r.body, "serviceAccount"))
	return r.c.events(r, email, r.location(), list(r.body, "eventFilters"))
}

func trigger(r *call, body object) {
	id := strconv.Itoa(r.c.serial())
	body["transport"] = object{"pubsub": object{
		"topic":        "projects/" + r.project() + "/topics/eventarc-" + id,
		"subscription": "projects/" + r.project() + "/subscriptions/eventarc-" + id,
	}}
}

func gatewayAPI(r *call, body object) {
	body["state"] = "ACTIVE"
	if body["managedService"] == nil {
		body["managedService"] = path.Base(r.name) + "-" + strconv.Itoa(r.c.serial()) + ".apigateway." +
			r.project() + ".cloud.goog"
	}
}

func configRefused(r *call) error {
	if r.method != http.MethodPost {
		return nil // what can be changed is a label
	}
	email := path.Base(str(r.body, "gatewayConfig", "backendConfig", "googleServiceAccount"))
	if !r.c.account(email) {
		return refuse(http.StatusBadRequest, "Service account %s does not exist.", email)
	}
	for _, api := range []string{"servicemanagement", "servicecontrol"} {
		if err := r.c.enabled(api); err != nil {
			return err
		}
	}
	for _, document := range list(r.body, "openapiDocuments") {
		if err := checkOpenAPI(str(document, "document", "contents")); err != nil {
			return refuse(http.StatusBadRequest, "Cannot convert to service config. %v", err)
		}
	}
	return nil
}

func configInUse(r *call, _ object) error {
	for name, body := range r.c.state.Resources {
		if strings.Contains(name, "/gateways/") && str(body, "apiConfig") == r.local() {
			return refuse(http.StatusBadRequest, "%s is in use by %s", r.local(), name)
		}
	}
	return nil
}

func gatewayRefused(r *call) error {
	if err := offered(r, gatewayRegions, r.location(), "API Gateway"); err != nil {
		return err
	}
	config := strings.Replace(str(r.body, "apiConfig"), "projects/"+Number+"/", "projects/"+r.project()+"/", 1)
	if r.c.state.Resources["apigateway/"+config] == nil {
		return refuse(http.StatusNotFound, "Resource %q was not found", config)
	}
	return nil
}

// gateway: another one of the same name has another host.
func gateway(r *call, body object) {
	body["state"] = "ACTIVE"
	if body["defaultHostname"] == nil {
		body["defaultHostname"] = path.Base(r.name) + "-" + strconv.Itoa(r.c.serial()) + "." + r.location() + ".gateway.dev"
	}
}

func listRegions(r *call) (object, error) {
	locations := []any{}
	for _, region := range functionRegions {
		locations = append(locations, object{"locationId": region, "name": r.path[len("cloudfunctions/"):] + "/" + region})
	}
	return object{"locations": locations}, nil
}
