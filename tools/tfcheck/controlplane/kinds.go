package controlplane

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// kinds is what can be made. What is not here is answered by 501 and a sentence that names this table.
var kinds []kind

func init() {
	kinds = []kind{
		{collection: "iam/projects/*/serviceAccounts", wrapped: "serviceAccount", id: accountEmail, complete: account,
			inUse: accountForgotten},
		{collection: "iam/projects/*/locations/global/workloadIdentityPools", operation: true},
		{collection: "iam/projects/*/locations/global/workloadIdentityPools/*/providers", operation: true},

		{collection: "storage/projects/*", kept: object{"email_address": agent("storage.googleapis.com")}},
		{collection: "storage/b", short: true, complete: bucket, inUse: bucketInUse},
		{collection: "storage/b/*/o", short: true, id: objectName, complete: storedObject},

		{collection: "secretmanager/projects/*/secrets"},
		{collection: "secretmanager/projects/*/secrets/*/versions", complete: secretVersion},

		{collection: "firestore/projects/*/databases", operation: true,
			refuse: databaseLocation, complete: database, inUse: databaseProtected},
		{collection: "firestore/projects/*/databases/*/collectionGroups/*/fields", operation: true,
			kept: object{"indexConfig": object{"usesAncestorConfig": true}}, complete: field},
		{collection: "firestore/projects/*/databases/*/backupSchedules"},

		{collection: "cloudkms/projects/*/locations/*/keyRings/*/cryptoKeys"},
		{collection: "artifactregistry/projects/*/locations/*/repositories", operation: true},

		{collection: "cloudfunctions/projects/*/locations", kept: object{}, list: listRegions},
		{collection: "cloudfunctions/projects/*/locations/*/functions", operation: true,
			refuse: functionRefused, fail: functionFails, complete: function},
		{collection: "run/projects/*/locations/*/services"},
		{collection: "eventarc/projects/*/locations/*/triggers", operation: true,
			refuse: triggerRefused, fail: triggerFails, complete: trigger},

		{collection: "eventarc/projects/*/locations/*", kept: object{}, bare: true}, // its googleChannelConfig

		{collection: "apigateway/projects/*/locations/*/apis", operation: true, complete: gatewayAPI, inUse: hasChildren},
		{collection: "apigateway/projects/*/locations/*/apis/*/configs", operation: true,
			refuse: configRefused, complete: inState("ACTIVE"), inUse: configInUse},
		{collection: "apigateway/projects/*/locations/*/gateways", operation: true,
			refuse: gatewayRefused, complete: gateway},

		{collection: "logging/projects/*/metrics", short: true},
		{collection: "monitoring/projects/*/alertPolicies", refuse: channelsExist},
		{collection: "monitoring/projects/*/notificationChannels"},
		{collection: "monitoring/projects/*/uptimeCheckConfigs"},
		{collection: "monitoring/projects/*/dashboards", bare: true},
		{collection: "billingbudgets/billingAccounts/*/budgets"},

		{collection: "certificatemanager/projects/*/locations/global/dnsAuthorizations", operation: true,
			complete: dnsAuthorization, inUse: mentioned},
		{collection: "certificatemanager/projects/*/locations/global/certificates", operation: true,
			refuse: namesExist, complete: managedCertificate, inUse: mentioned},
		{collection: "certificatemanager/projects/*/locations/global/certificateMaps", operation: true,
			inUse: mentioned},
		{collection: "certificatemanager/projects/*/locations/global/certificateMaps/*/certificateMapEntries", operation: true,
			refuse: namesExist, complete: inState("ACTIVE")},
		{collection: "clouddns/projects/*/managedZones", api: "dns", short: true},
		{collection: "clouddns/projects/*/managedZones/*/rrsets", api: "dns", short: true, list: listRecords},
		{collection: "clouddns/projects/*/managedZones/*/changes", api: "dns", change: changeRecords},

		{collection: "sqladmin/projects/*/instances", short: true,
			refuse: instanceRefused, complete: instance, inUse: instanceProtected},
		{collection: "sqladmin/projects/*/instances/*/databases", short: true, complete: sqlDatabase},
		{collection: "sqladmin/projects/*/instances/*/users", short: true, refuse: userRefused, complete: ofInstance},
		{collection: "servicenetworking/services/*/connections", operation: true,
			id: connectedNetwork, refuse: rangesExist, complete: connection},
		{collection: "cloudscheduler/projects/*/locations/*/jobs", refuse: jobRefused, complete: inState("ENABLED")},

		computeKind("global/addresses", address),
		computeKind("regions/*/networkEndpointGroups", nil),
		computeKind("global/backendServices", nil),
		urlMaps(),
		computeKind("global/sslCertificates", certificate),
		{collection: "compute/projects/*/aggregated/*", list: listAggregated},
		computeKind("global/sslPolicies", nil),
		computeKind("global/targetHttpsProxies", nil),
		computeKind("global/forwardingRules", nil),
		computeKind("global/securityPolicies", nil),
	}
}

func urlMaps() kind {
	k := computeKind("global/urlMaps", nil)
	k.refuse = urlMapRefused
	return k
}

func computeKind(collection string, complete func(*call, object)) kind {
	return kind{
		collection: "compute/projects/*/" + collection, short: true,
		refuse: linksExist, complete: complete, inUse: linked,
	}
}

// at walks into a body; nil where there is nothing.
func at(v any, path ...string) any {
	for _, name := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func str(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

func list(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

func inState(name string) func(*call, object) {
	return func(_ *call, body object) { body["state"] = name }
}

func (r *call) project() string { return r.c.project }

// location is the word behind locations in the name.
func (r *call) location() string {
	_, rest, _ := strings.Cut(r.name, "/locations/")
	location, _, _ := strings.Cut(rest, "/")
	return location
}

func accountEmail(r *call) string {
	return str(r.body, "accountId") + "@" + r.project() + ".iam.gserviceaccount.com"
}

func account(r *call, body object) {
	body["email"] = path.Base(r.name)
	body["projectId"] = r.project()
	body["uniqueId"] = "10" + str(body, "id")
}

// accountForgotten: what it was granted stays, and is nobody's.
func accountForgotten(r *call, _ object) error {
	r.c.forget(path.Base(r.name))
	return nil
}

func bucket(r *call, body object) {
	body["id"] = body["name"]
	body["projectNumber"] = Number
	body["location"] = strings.ToUpper(str(body, "location"))
	body["selfLink"] = r.c.server.URL + "/storage/v1/b/" + str(body, "name")
	body["softDeletePolicy"] = object{"retentionDurationSeconds": "604800", "effectiveTime": r.c.time()}
	if body["storageClass"] == nil {
		body["storageClass"] = "STANDARD"
	}
}

func bucketInUse(r *call, _ object) error {
	if name := r.child(); name != "" {
		return refuse(409, "The bucket you tried to delete is not empty: it has %s", path.Base(name))
	}
	return nil
}

// child is the name of something that lies in a resource.
func (r *call) child() string {
	for name := range r.c.state.Resources {
		if strings.HasPrefix(name, r.name+"/") {
			return name
		}
	}
	return ""
}

func hasChildren(r *call, _ object) error {
	if name := r.child(); name != "" {
		return refuse(400, "cannot delete %s: it still has %s", r.local(), name)
	}
	return nil
}

func objectName(r *call) string { return cmp.Or(r.query.Get("name"), str(r.body, "name")) }

func storedObject(r *call, body object) {
	words := strings.Split(r.name, "/")
	body["bucket"] = words[2]
	body["generation"] = str(body, "id")
	body["storageClass"] = "STANDARD"
	body["mediaLink"] = r.c.server.URL + "/download/" + r.local()
	body["selfLink"] = r.c.server.URL + "/storage/v1/" + r.local()
	if body["contentType"] == nil {
		body["contentType"] = "application/zip"
	}
	body["id"] = fmt.Sprintf("%s/%s/%s", words[2], body["name"], body["generation"])
}

// secretVersion: what it holds is not in what is answered, only that it arrived as it was sent.
func secretVersion(_ *call, body object) {
	if body["state"] == nil {
		body["state"] = "ENABLED"
	}
	body["clientSpecifiedPayloadChecksum"] = at(body, "payload", "dataCrc32c") != nil
	delete(body, "payload")
}

func channelsExist(r *call) error {
	for _, channel := range list(r.body, "notificationChannels") {
		if name, ok := channel.(string); !ok || r.c.state.Resources["monitoring/"+name] == nil {
			return refuse(404, "Cannot find notification channel %v", channel)
		}
	}
	return nil
}

// number is a JSON number, which decoding makes a float64.
func number(v any, path ...string) string {
	if n, ok := at(v, path...).(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}
