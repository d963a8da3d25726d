package controlplane

import (
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// link is a reference to something of compute, as a URL or as a name.
var link = regexp.MustCompile(`(^|/)(projects/[a-z0-9-]+/(global|regions/[a-z0-9-]+)/[A-Za-z]+/[a-z0-9-]+)$`)

// links calls f with every name of compute that a body refers to.
func links(v any, f func(name string)) {
	switch v := v.(type) {
	case string:
		if found := link.FindStringSubmatch(v); found != nil && find("compute/"+path.Dir(found[2])) != nil {
			f("compute/" + found[2])
		}
	case []any:
		for _, item := range v {
			links(item, f)
		}
	case object:
		for field, item := range v {
			if field != "selfLink" {
				links(item, f)
			}
		}
	}
}

// linksExist refuses what refers to something that is not there.
func linksExist(r *call) error {
	var err error
	links(r.body, func(name string) {
		if r.c.state.Resources[name] == nil {
			err = &refusal{code: http.StatusNotFound, reason: "notFound", message: "The resource '" + name + "' was not found"}
		}
	})
	return err
}

// linked refuses to delete what something else refers to.
func linked(r *call, _ object) error {
	var err error
	for name, body := range r.c.state.Resources {
		if !strings.HasPrefix(name, "compute/") {
			continue
		}
		links(body, func(used string) {
			if used == r.name {
				err = &refusal{code: http.StatusBadRequest, reason: "resourceInUseByAnotherResource",
					message: "The resource '" + r.local() + "' is already being used by '" + name + "'"}
			}
		})
	}
	return err
}

func address(_ *call, body object) {
	if body["address"] == nil {
		body["address"] = "203.0.113.7"
	}
	body["status"] = "RESERVED"
	if body["addressType"] == nil {
		body["addressType"] = "EXTERNAL"
	}
}

func certificate(_ *call, body object) {
	body["type"] = "MANAGED"
	if managed, ok := body["managed"].(object); ok {
		managed["status"] = "PROVISIONING"
	}
}

// listAggregated lists what there is of a kind, by where it is: global, or a region.
func listAggregated(r *call) (object, error) {
	kind := path.Base(r.path)
	items := object{}
	for _, name := range slices.Sorted(maps.Keys(r.c.state.Resources)) {
		words := strings.Split(name, "/") // compute/projects/P/global/KIND/NAME or compute/projects/P/regions/R/KIND/NAME
		if words[0] != "compute" || words[len(words)-2] != kind {
			continue
		}
		scope := strings.Join(words[3:len(words)-2], "/")
		items[scope] = object{kind: append(list(items[scope], kind), r.c.state.Resources[name])}
	}
	return object{"items": items}, nil
}
