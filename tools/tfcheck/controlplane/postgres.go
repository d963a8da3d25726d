package controlplane

import (
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// instance: Cloud SQL fills in what settings leave out.
func instance(r *call, body object) {
	region := str(body, "region")
	body["connectionName"] = r.project() + ":" + region + ":" + path.Base(r.name)
	body["project"] = r.project()
	body["state"], body["backendType"], body["instanceType"] = "RUNNABLE", "SECOND_GEN", "CLOUD_SQL_INSTANCE"
	body["selfLink"] = r.c.server.URL + "/sqladmin/v1/" + r.local()
	body["ipAddresses"] = []any{object{"type": "PRIVATE", "ipAddress": "10.0.0.3"}}
	settings, _ := body["settings"].(object)
	for field, value := range map[string]any{
		"activationPolicy": "ALWAYS", "pricingPlan": "PER_USE", "dataDiskType": "PD_SSD", "dataDiskSizeGb": "10",
		"connectorEnforcement": "NOT_REQUIRED", "locationPreference": object{"zone": region + "-b"},
	} {
		if settings[field] == nil {
			settings[field] = value
		}
	}
	settings["settingsVersion"] = str(body, "id")
	delete(body, "id")
}

// instanceRefused: a private address is out of a range that the network shares with Google's side.
func instanceRefused(r *call) error {
	network := str(r.body, "settings", "ipConfiguration", "privateNetwork")
	connection := "servicenetworking/services/servicenetworking.googleapis.com/connections/" + path.Base(network)
	if network != "" && r.c.state.Resources[connection] == nil {
		return refuse(http.StatusBadRequest, "NETWORK_NOT_PEERED: the network %s has no private services connection", network)
	}
	return nil
}

func instanceProtected(r *call, body object) error {
	if at(body, "settings", "deletionProtectionEnabled") == true {
		return refuse(http.StatusBadRequest, "The instance is protected. "+
			"Please disable the deletion protection and try again.")
	}
	return nil
}

// ofInstance is what lies in an instance: a database or a user.
func ofInstance(r *call, body object) {
	body["project"], body["instance"] = r.project(), path.Base(path.Dir(path.Dir(r.name)))
	body["selfLink"] = r.c.server.URL + "/sqladmin/v1/" + r.local()
	delete(body, "id")
}

func sqlDatabase(r *call, body object) {
	body["charset"], body["collation"] = "UTF8", "en_US.UTF8"
	ofInstance(r, body)
}

// userRefused: who is known by IAM needs the instance's flag, and an account is named without its ending.
func userRefused(r *call) error {
	if !strings.HasPrefix(str(r.body, "type"), "CLOUD_IAM_") {
		return nil
	}
	on := false
	for _, flag := range list(r.c.state.Resources[path.Dir(path.Dir(r.name))], "settings", "databaseFlags") {
		on = on || str(flag, "name") == "cloudsql.iam_authentication" && str(flag, "value") == "on"
	}
	switch name := str(r.body, "name"); {
	case !on:
		return refuse(http.StatusBadRequest, "Cloud SQL IAM authentication is not enabled on the instance.")
	case strings.HasSuffix(name, ".gserviceaccount.com"):
		return refuse(http.StatusBadRequest,
			"Database username %s for IAM service account must not end with .gserviceaccount.com", name)
	}
	return nil
}

// sqlOperation is an operation in Cloud SQL's words.
func (r *call) sqlOperation(err error) object {
	name := "operation-" + strconv.Itoa(r.c.serial())
	taken := object{
		"kind": "sql#operation", "name": name, "status": "PENDING",
		"targetId": path.Base(r.name), "targetProject": r.project(),
	}
	finished := maps.Clone(taken)
	finished["status"] = "DONE"
	if err != nil {
		finished["error"] = object{"errors": []any{object{"code": "INTERNAL_ERROR", "message": err.Error()}}}
	}
	r.c.state.Operations["sqladmin/projects/"+r.project()+"/operations/"+name] = finished
	return taken
}

// connectedNetwork: a service has one connection with a network.
func connectedNetwork(r *call) string { return path.Base(str(r.body, "network")) }

// rangesExist refuses a connection by address ranges that are not reserved.
func rangesExist(r *call) error {
	for _, item := range list(r.body, "reservedPeeringRanges") {
		name, _ := item.(string)
		address := r.c.state.Resources["compute/projects/"+r.project()+"/global/addresses/"+name]
		if str(address, "purpose") != "VPC_PEERING" {
			return refuse(http.StatusBadRequest, "There is no allocated range %s for peering", name)
		}
	}
	return nil
}

func connection(_ *call, body object) { body["peering"] = "servicenetworking-googleapis-com" }

// jobRefused: a schedule calls as an account that there is.
func jobRefused(r *call) error {
	email := str(r.body, "httpTarget", "oidcToken", "serviceAccountEmail")
	if email != "" && !r.c.account(email) {
		return refuse(http.StatusNotFound, "Service account %s does not exist.", email)
	}
	return offered(r, functionRegions, r.location(), "Cloud Scheduler")
}

// jobState is what pausing a schedule or letting it go on makes of it.
func jobState(state string) func(*call) (object, error) {
	return func(r *call) (object, error) {
		if err := r.locate(); err != nil {
			return nil, err
		}
		body, err := r.stored()
		if err == nil {
			body["state"] = state
		}
		return body, err
	}
}
