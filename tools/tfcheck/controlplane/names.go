package controlplane

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// certificateName is a reference to something of Certificate Manager, as a URL or as a name.
const certificateName = "/locations/global/"

// names calls f with every name of Certificate Manager that a body refers to.
func names(v any, f func(name string)) {
	switch v := v.(type) {
	case string:
		if i := strings.Index(v, "projects/"); i >= 0 && strings.Contains(v, certificateName) {
			f("certificatemanager/" + v[i:])
		}
	case []any:
		for _, item := range v {
			names(item, f)
		}
	case object:
		for field, item := range v {
			if field != "name" {
				names(item, f)
			}
		}
	}
}

// namesExist refuses what refers to something of Certificate Manager that is not there.
func namesExist(r *call) error {
	var err error
	names(r.body, func(name string) {
		if r.c.state.Resources[name] == nil {
			err = refuse(http.StatusNotFound, "Resource %q was not found", name)
		}
	})
	return err
}

// mentioned refuses to delete what a certificate, a map or a proxy refers to, or what has something in it.
func mentioned(r *call, body object) error {
	for other, body := range r.c.state.Resources {
		var used bool
		names(body, func(name string) { used = used || name == r.name })
		if used && other != r.name {
			return refuse(http.StatusBadRequest, "%s is in use by %s", r.local(), other)
		}
	}
	return hasChildren(r, body)
}

func dnsAuthorization(r *call, body object) {
	body["dnsResourceRecord"] = object{
		"name": "_acme-challenge." + str(body, "domain") + ".", "type": "CNAME",
		"data": path.Base(r.name) + ".authorize.certificatemanager.goog.",
	}
}

func managedCertificate(_ *call, body object) {
	managed, _ := body["managed"].(object)
	managed["state"] = "PROVISIONING"
	body["sanDnsnames"] = managed["domains"]
}

// changeRecords adds and deletes records of a zone, all of them or none.
func changeRecords(r *call) (object, error) {
	zone := path.Dir(r.path)
	if r.c.state.Resources[zone] == nil {
		return nil, refuse(http.StatusNotFound, "The 'parameters.managedZone' resource named %q does not exist.", path.Base(zone))
	}
	record := func(v any) string { return zone + "/rrsets/" + url.PathEscape(str(v, "name")+" "+str(v, "type")) }
	for _, addition := range list(r.body, "additions") {
		if name := record(addition); r.c.state.Resources[name] != nil && len(list(r.body, "deletions")) == 0 {
			return nil, refuse(http.StatusConflict, "The resource %q already exists", name)
		}
	}
	for _, deletion := range list(r.body, "deletions") {
		delete(r.c.state.Resources, record(deletion))
	}
	for _, addition := range list(r.body, "additions") {
		if body, ok := addition.(object); ok {
			r.c.state.Resources[record(addition)] = body
		}
	}
	change := object{"kind": "dns#change", "id": strconv.Itoa(r.c.serial()), "status": "done"}
	r.c.state.Operations[r.path+"/"+str(change, "id")] = change
	return change, nil
}

func listRecords(r *call) (object, error) {
	records := []any{}
	for name, body := range r.c.state.Resources {
		if path.Dir(name) == r.path &&
			(r.query.Get("name") == "" || r.query.Get("name") == str(body, "name")) &&
			(r.query.Get("type") == "" || r.query.Get("type") == str(body, "type")) {
			records = append(records, body)
		}
	}
	return object{"rrsets": records}, nil
}
