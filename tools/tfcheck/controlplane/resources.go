package controlplane

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// kind is one kind of resource, a row of [kinds].
type kind struct {
	// collection is a pattern in the words of path.Match: firestore/projects/*/databases.
	collection string
	// api is the service that has to be enabled; empty is the first word of collection.
	api string
	// operation: making, changing and deleting it is answered by an operation.
	operation bool
	// short: its name field is the last word alone.
	short bool
	// bare: Google adds a name and an etag, and no times or ids.
	bare bool
	// kept: it cannot be deleted, and is there in its default shape when it was not made.
	kept object
	// id names a new one; nil is by the query, the body's name, or a number.
	id func(*call) string
	// wrapped is the field of a body that the resource is in.
	wrapped string
	// refuse says why Google does not take a body; r.body is as the resource will be.
	refuse func(r *call) error
	// fail says why the operation fails that was taken.
	fail func(r *call) error
	// list answers a list; nil is all that is in the collection.
	list func(r *call) (object, error)
	// change takes a POST to the collection that makes no resource of it.
	change func(r *call) (object, error)
	// complete adds what Google adds.
	complete func(r *call, body object)
	// inUse says why it cannot be deleted.
	inUse func(r *call, body object) error
}

// find returns the kind of a collection.
func find(collection string) *kind {
	for i := range kinds {
		if ok, _ := path.Match(kinds[i].collection, collection); ok {
			return &kinds[i]
		}
	}
	return nil
}

// service is the first word of a path.
func service(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// target is what the call is about: what it makes, or its path.
func (r *call) target() string {
	if r.name != "" {
		return r.name
	}
	return r.path
}

func (r *call) answer() (object, error) {
	if op, ok := r.c.state.Operations[r.path]; ok && r.method == http.MethodGet {
		return op, nil
	}
	if special, ok := specials[r.method+" "+service(r.path)+r.verb]; ok {
		if err := r.stopped(); err != nil {
			return nil, err
		}
		return special(r)
	}
	if err := r.locate(); err != nil {
		return nil, err
	}
	if err := r.c.enabled(cmp.Or(r.kind.api, service(r.path))); err != nil {
		return nil, err
	}
	if err := r.stopped(); err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(r.verb, "etIamPolicy"):
		return r.policyCall()
	case r.verb != "":
		return r.set()
	case r.name == "":
		return r.list()
	case r.name != r.path && r.kind.change != nil:
		return r.kind.change(r)
	case r.name != r.path:
		return r.create()
	}
	switch r.method {
	case http.MethodGet:
		return r.get()
	case http.MethodPatch, http.MethodPut:
		return r.patch()
	case http.MethodDelete:
		return r.remove()
	}
	return nil, r.unknown()
}

// stopped says what stops a call before it does anything.
func (r *call) stopped() error {
	if err := r.permitted(); err != nil {
		return err
	}
	return r.fault(false)
}

func (r *call) unknown() error {
	return refuse(http.StatusNotImplemented,
		"the control plane does not know %s %s%s: give it a row in tools/tfcheck/controlplane/kinds.go",
		r.method, r.path, r.verb)
}

// locate finds the kind and the name that a call is about. What compute calls a method is
// a last word: addresses/NAME/setLabels.
func (r *call) locate() error {
	if r.verb == "" && strings.HasPrefix(path.Base(r.path), "set") || path.Base(r.path) == "getIamPolicy" {
		r.verb, r.path = "/"+path.Base(r.path), path.Dir(r.path)
		// Some setters leave out that what they set something of is global.
		r.path = strings.Replace(r.path, "/targetHttpsProxies/", "/global/targetHttpsProxies/", 1)
		r.path = strings.Replace(r.path, "/global/global/", "/global/", 1)
	}
	if service(r.path) == "storage" && path.Base(r.path) == "iam" {
		r.bucketPolicy()
	}
	if r.kind = find(strings.Replace(r.path, "/locations/-/", "/locations/global/", 1)); r.kind != nil {
		if r.method == http.MethodPost {
			r.name = r.path + "/" + r.newID()
		}
		return nil
	}
	if r.kind = find(path.Dir(r.path)); r.kind == nil {
		return r.unknown()
	}
	if path.Base(r.path) == "latest" {
		r.path = path.Dir(r.path) + "/" + strconv.Itoa(r.c.versions(path.Dir(r.path)))
	}
	r.name = r.path
	return nil
}

// newID is the last word of the name of what a call makes.
func (r *call) newID() string {
	if r.kind.id != nil {
		return r.kind.id(r)
	}
	for parameter, value := range r.query {
		if strings.HasSuffix(parameter, "Id") || strings.HasSuffix(parameter, "_id") {
			return value[0]
		}
	}
	if name, ok := r.body["name"].(string); ok && name != "" {
		return path.Base(name)
	}
	return strconv.Itoa(1000 + r.c.serial())
}

func (r *call) stored() (object, error) {
	body, ok := r.c.state.Resources[r.name]
	switch {
	case ok:
		return body, nil
	case r.kind.kept != nil:
		body = maps.Clone(r.kind.kept)
		body["name"] = r.local()
		return body, nil
	}
	return nil, &refusal{code: http.StatusNotFound, reason: "notFound",
		message: fmt.Sprintf("Resource %q was not found", r.local())}
}

// local is the name without the service.
func (r *call) local() string { return strings.TrimPrefix(r.name, service(r.name)+"/") }

func (r *call) get() (object, error) { return r.stored() }

func (r *call) list() (object, error) {
	if r.kind.list != nil {
		return r.kind.list(r)
	}
	key := path.Base(r.path)
	if r.kind.short {
		key = "items"
	}
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(r.c.state.Resources)) {
		if r.lists(path.Dir(name)) {
			items = append(items, r.c.state.Resources[name])
		}
	}
	return object{key: items}, nil
}

// lists says whether a call is about a collection. The location - is every one.
func (r *call) lists(collection string) bool {
	before, after, everywhere := strings.Cut(r.path, "/locations/-/")
	ok, _ := path.Match(before+"/locations/*/"+after, collection)
	return collection == r.path || everywhere && ok
}

func (r *call) create() (object, error) {
	if _, taken := r.c.state.Resources[r.name]; taken {
		return nil, &refusal{code: http.StatusConflict, reason: "alreadyExists",
			message: fmt.Sprintf("Resource %q already exists", r.local())}
	}
	if parent := r.parent(); parent != "" && r.c.state.Resources[parent] == nil {
		return nil, refuse(http.StatusNotFound, "Resource %q was not found", parent)
	}
	if wrapped, ok := r.body[r.kind.wrapped].(object); ok {
		r.body = wrapped
	}
	if r.body == nil {
		r.body = object{}
	}
	return r.put(r.body)
}

// parent is the resource that a name lies in, if its kind is one of ours that has to be made.
func (r *call) parent() string {
	parent := path.Dir(path.Dir(r.name))
	if kind := find(path.Dir(parent)); kind == nil || kind.kept != nil {
		return ""
	}
	return parent
}

// put stores a resource as it will be and answers as its kind does.
func (r *call) put(body object) (object, error) {
	r.body = body
	body["name"] = r.local()
	if r.kind.short {
		body["name"] = path.Base(r.name)
	}
	if err := r.refused(); err != nil {
		return nil, err
	}
	err := r.fault(true)
	if err == nil && r.kind.fail != nil {
		err = r.kind.fail(r)
	}
	if err == nil {
		r.complete(body)
		r.c.state.Resources[r.name] = body
		return r.done(body, nil)
	}
	// A function whose first deployment fails is there, and does not work.
	if service(r.name) == "cloudfunctions" && r.method == http.MethodPost {
		r.complete(body)
		body["state"] = "FAILED"
		r.c.state.Resources[r.name] = body
	}
	return r.done(nil, err)
}

// refused says why a resource is not taken as it would be, at once.
func (r *call) refused() error {
	for _, refuse := range []func(*call) error{(*call).mayAct, r.kind.refuse, keyRefused} {
		if refuse == nil {
			continue
		}
		if err := refuse(r); err != nil {
			return err
		}
	}
	return nil
}

// complete adds what Google adds to all kinds, and to this one.
func (r *call) complete(body object) {
	serial := strconv.Itoa(r.c.serial())
	body["etag"] = "etag-" + serial
	if r.kind.bare {
		return
	}
	old := r.c.state.Resources[r.name]
	for field, value := range map[string]any{
		"createTime": r.c.time(), "uid": "uid-" + serial, "id": serial, "creationTimestamp": r.c.time(),
	} {
		if was, ok := old[field]; ok {
			value = was
		}
		body[field] = value
	}
	body["updateTime"] = r.c.time()
	body["fingerprint"] = "fp" + serial + "=="
	if service(r.name) == "compute" {
		body["selfLink"] = r.c.server.URL + "/compute/v1/" + r.local()
		body["labelFingerprint"] = "lfp" + serial + "=="
	}
	if r.kind.complete != nil {
		r.kind.complete(r, body)
	}
}

func (r *call) patch() (object, error) {
	old, err := r.stored()
	if err != nil {
		return nil, err
	}
	mask := r.query.Get("updateMask")
	if wrapped, ok := r.body[r.kind.wrapped].(object); ok {
		mask, _ = r.body["updateMask"].(string)
		r.body = wrapped
	}
	body := clone(old)
	if mask == "" {
		maps.Copy(body, r.body)
	}
	for field := range strings.SplitSeq(mask, ",") {
		copyField(body, r.body, strings.Split(field, "."))
	}
	return r.put(body)
}

// clone copies a resource, all the way down.
func clone(body object) object {
	data, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("controlplane: %v", err)) // it came as JSON
	}
	var other object
	if err := json.Unmarshal(data, &other); err != nil {
		panic(fmt.Sprintf("controlplane: %v", err))
	}
	return other
}

// copyField makes a field of an update mask what it is in from. There camelCase and
// snake_case both occur.
func copyField(to, from object, field []string) {
	name := camel(field[0])
	if name == "" {
		return
	}
	value, ok := from[name]
	inner, isObject := value.(object)
	if len(field) > 1 && (isObject || !ok) {
		next, _ := to[name].(object)
		if next == nil {
			next = object{}
			to[name] = next
		}
		copyField(next, inner, field[1:])
		return
	}
	if ok {
		to[name] = value
	} else {
		delete(to, name)
	}
}

func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// set is a method of compute that sets one thing.
func (r *call) set() (object, error) {
	if r.method != http.MethodPost || !strings.HasPrefix(r.verb, "/set") {
		return nil, r.unknown()
	}
	if reference, ok := r.body["sslPolicyReference"]; ok {
		r.body = object{"sslPolicy": reference}
	}
	return r.patch()
}

func (r *call) remove() (object, error) {
	body, err := r.stored()
	if err != nil {
		return nil, err
	}
	if r.kind.kept != nil {
		return nil, r.unknown()
	}
	if r.kind.inUse != nil {
		if err := r.kind.inUse(r, body); err != nil {
			return nil, err
		}
	}
	if err := r.fault(true); err != nil {
		return r.done(nil, err)
	}
	for name := range r.c.state.Resources {
		if name == r.name || strings.HasPrefix(name, r.name+"/") {
			delete(r.c.state.Resources, name)
			delete(r.c.state.Policies, name)
		}
	}
	delete(r.c.state.Policies, strings.Replace(strings.Replace(r.name,
		"cloudfunctions/", "run/", 1), "/functions/", "/services/", 1))
	return r.done(object{}, nil)
}

// done answers with a resource, or with the operation that made it or failed.
func (r *call) done(body object, err error) (object, error) {
	switch {
	case service(r.name) == "compute":
		return r.computeOperation(err), nil
	case service(r.name) == "sqladmin":
		return r.sqlOperation(err), nil
	case r.kind.operation:
		return r.operation(body, err), nil
	}
	return body, err
}

// operation stores what the first look at an operation answers, and returns what the
// call itself answers: that it has been taken.
func (r *call) operation(response object, err error) object {
	words := strings.Split(r.local(), "/")
	parent := strings.Join(words[:2], "/")
	if len(words) > 3 && words[2] == "locations" {
		parent = strings.Join(words[:4], "/")
	}
	name := fmt.Sprintf("%s/operations/%d", parent, r.c.serial())
	taken := object{"name": name, "done": false, "metadata": object{"target": r.local()}}
	finished := maps.Clone(taken)
	finished["done"] = true
	if err != nil {
		_, answer := failure(err)
		finished["error"] = object{"code": 9, "message": answer["error"].(object)["message"]}
	} else {
		finished["response"] = response
	}
	r.c.state.Operations[service(r.path)+"/"+name] = finished
	return taken
}

// computeOperation is the same in compute's words.
func (r *call) computeOperation(err error) object {
	words := strings.Split(r.local(), "/") // projects/P/global/KIND/NAME or projects/P/regions/R/KIND/NAME
	scope := "global"
	taken := object{
		"kind": "compute#operation", "status": "RUNNING", "progress": 0,
		"targetLink": r.c.server.URL + "/compute/v1/" + r.local(),
	}
	if words[2] == "regions" {
		scope = strings.Join(words[2:4], "/")
		taken["region"] = r.c.server.URL + "/compute/v1/" + strings.Join(words[:4], "/")
	}
	taken["name"] = fmt.Sprintf("operation-%d", r.c.serial())
	finished := maps.Clone(taken)
	finished["status"], finished["progress"] = "DONE", 100
	if err != nil {
		finished["error"] = object{"errors": []any{object{"code": "INTERNAL_ERROR", "message": err.Error()}}}
	}
	r.c.state.Operations[fmt.Sprintf("compute/projects/%s/%s/operations/%s", words[1], scope, taken["name"])] = finished
	return taken
}
