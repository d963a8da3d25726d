package gateway

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
	"go.yaml.in/yaml/v3"
)

// openAPI is the part of an OpenAPI 2.0 document that routes.
type openAPI struct {
	Swagger  string              `yaml:"swagger"`
	BasePath string              `yaml:"basePath"`
	Paths    map[string]pathItem `yaml:"paths"`
}

// pathItem is a Path Item Object: methods and, under other names, what they share.
type pathItem struct {
	Get     *operation `yaml:"get"`
	Head    *operation `yaml:"head"`
	Post    *operation `yaml:"post"`
	Put     *operation `yaml:"put"`
	Patch   *operation `yaml:"patch"`
	Delete  *operation `yaml:"delete"`
	Options *operation `yaml:"options"`
}

type operation struct {
	OperationID string   `yaml:"operationId"`
	Backend     *backend `yaml:"x-google-backend"`
}

type backend struct {
	Address         string  `yaml:"address"`
	PathTranslation string  `yaml:"path_translation"`
	Deadline        float64 `yaml:"deadline"` // seconds
}

// variable is an address as Terraform fills it in: a function's name.
var variable = regexp.MustCompile(`^\$\{([a-z]+)\}$`)

// maxDeadline is the longest the gateway waits for a backend.
const maxDeadline = time.Hour

func readRoutes(document []byte) ([]Route, error) {
	var api openAPI
	if err := yaml.NewDecoder(bytes.NewReader(document)).Decode(&api); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	switch {
	case api.Swagger != "2.0":
		return nil, fmt.Errorf("swagger is %q, want 2.0", api.Swagger)
	case api.BasePath != "":
		return nil, errors.New("basePath is set: well-known documents stay at the root")
	case len(api.Paths) == 0:
		return nil, errors.New("no paths")
	}
	var routes []Route
	seen := map[string]string{} // operationId → where
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		of, err := pathRoutes(path, api.Paths[path], seen)
		if err != nil {
			return nil, err
		}
		routes = append(routes, of...)
	}
	return routes, nil
}

func pathRoutes(path string, item pathItem, seen map[string]string) ([]Route, error) {
	if item.Options == nil {
		return nil, fmt.Errorf("%s has no options: a browser's preflight would meet the gateway's 405", path)
	}
	var routes []Route
	for method, op := range item.operations() {
		where := method + " " + path
		route, err := op.route(method, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if other, ok := seen[route.OperationID]; ok {
			return nil, fmt.Errorf("%s: operationId %q is also that of %s", where, route.OperationID, other)
		}
		seen[route.OperationID] = where
		routes = append(routes, route)
	}
	slices.SortFunc(routes, func(a, b Route) int { return cmp.Compare(a.Method, b.Method) })
	return routes, nil
}

// operations returns the operations that are there, by method.
func (p pathItem) operations() map[string]*operation {
	all := map[string]*operation{
		"GET": p.Get, "HEAD": p.Head, "POST": p.Post, "PUT": p.Put,
		"PATCH": p.Patch, "DELETE": p.Delete, "OPTIONS": p.Options,
	}
	maps.DeleteFunc(all, func(_ string, op *operation) bool { return op == nil })
	return all
}

func (op *operation) route(method, path string) (Route, error) {
	if op.OperationID == "" {
		return Route{}, errors.New("no operationId")
	}
	b := op.Backend
	if b == nil {
		return Route{}, errors.New("no x-google-backend")
	}
	if b.PathTranslation != "APPEND_PATH_TO_ADDRESS" {
		return Route{}, fmt.Errorf("path_translation is %q, want APPEND_PATH_TO_ADDRESS: "+
			"the function has to see the path", b.PathTranslation)
	}
	name := variable.FindStringSubmatch(b.Address)
	if functions := manifest.Names(manifest.HTTP); name == nil || !slices.Contains(functions, name[1]) {
		return Route{}, fmt.Errorf("address is %q, want ${NAME} with one of %s",
			b.Address, strings.Join(functions, ", "))
	}
	deadline := time.Duration(b.Deadline * float64(time.Second))
	if deadline <= 0 || deadline > maxDeadline {
		return Route{}, fmt.Errorf("deadline is %v seconds, want more than 0 and at most %.0f",
			b.Deadline, maxDeadline.Seconds())
	}
	return Route{Method: method, Path: path, Function: name[1], OperationID: op.OperationID, Deadline: deadline}, nil
}
