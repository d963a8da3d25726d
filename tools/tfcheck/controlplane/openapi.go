package controlplane

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parameter is a whole segment of a path, {name} or, at the end, {name=**}.
var parameter = regexp.MustCompile(`^\{[a-zA-Z_][a-zA-Z0-9_]*(=\*\*)?\}$`)

// checkOpenAPI says why Google's converter would not make a service of a document, by what
// is written about paths with parameters, operation ids and backends.
func checkOpenAPI(contents string) error {
	document, err := base64.StdEncoding.DecodeString(contents)
	if err != nil {
		return err
	}
	var api struct {
		Swagger string `yaml:"swagger"`
		Info    struct {
			Title, Version string
		} `yaml:"info"`
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(document, &api); err != nil {
		return err
	}
	if api.Swagger != "2.0" || api.Info.Title == "" || api.Info.Version == "" {
		return fmt.Errorf("want swagger 2.0 with a title and a version")
	}
	seen := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		if err := checkPath(path); err != nil {
			return err
		}
		for method, node := range api.Paths[path] {
			if method == "parameters" {
				continue
			}
			if err := checkOperation(method+" "+path, node, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPath(path string) error {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		switch {
		case !strings.ContainsAny(segment, "{}"):
		case !parameter.MatchString(segment):
			return fmt.Errorf("path %s: %s is a parameter of part of a segment", path, segment)
		case strings.HasSuffix(segment, "=**}") && i < len(segments)-1:
			return fmt.Errorf("path %s: nothing can follow %s", path, segment)
		}
	}
	return nil
}

func checkOperation(where string, node yaml.Node, seen map[string]string) error {
	var operation struct {
		OperationID string         `yaml:"operationId"`
		Responses   map[string]any `yaml:"responses"`
		Backend     struct {
			Address  string  `yaml:"address"`
			Deadline float64 `yaml:"deadline"`
		} `yaml:"x-google-backend"`
	}
	if err := node.Decode(&operation); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	id := operation.OperationID
	switch other, taken := seen[id]; {
	case id == "":
		return fmt.Errorf("%s: no operationId", where)
	case taken:
		return fmt.Errorf("%s: operationId %s is also that of %s", where, id, other)
	case len(operation.Responses) == 0:
		return fmt.Errorf("%s: no responses", where)
	case !strings.HasPrefix(operation.Backend.Address, "https://"):
		return fmt.Errorf("%s: backend address %q is no https URL", where, operation.Backend.Address)
	}
	seen[id] = where
	return nil
}

// OpenAPI returns the document of an API config, empty if there is none.
func (c *Cloud) OpenAPI(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, document := range list(c.state.Resources[name], "openapiDocuments") {
		text, err := base64.StdEncoding.DecodeString(str(document, "document", "contents"))
		if err == nil {
			return string(text)
		}
	}
	return ""
}
