// Package gateway reads the path map of API Gateway, openapi.yaml beside it:
// the one list of routes. Terraform deploys that file; the development server,
// the emulated gateway and the tests route by it, so a path that is not
// deployed is not reachable anywhere else either.
//
// The map holds names and rules, no handlers: whoever reads it decides what
// "the function token" is.
package gateway

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
	"time"
)

//go:embed openapi.yaml
var document []byte

// Route is one operation of the path map.
type Route struct {
	// Method is the HTTP method in capitals, like GET.
	Method string
	// Path is the path template: literal segments, {name} for exactly one
	// segment and, last, {name=**} for the rest.
	Path string
	// Function is the HTTP function of shared/manifest that answers. One that events start
	// has no route: nothing outside may call it.
	Function string
	// OperationID is unique in the map.
	OperationID string
	// Deadline is how long the gateway waits for the complete answer.
	Deadline time.Duration
}

// Map is the path map. It is safe for use by several goroutines.
type Map struct {
	routes    []Route    // in order of path, then method
	templates []template // the most specific first
}

// Load returns the path map this module carries. The file is part of the
// program and checked by its tests, so an error means a broken build.
func Load() (*Map, error) { return load() }

var load = sync.OnceValues(func() (*Map, error) { return Parse(document) })

// Parse reads a path map from an OpenAPI 2.0 document and checks it by the
// rules stated on top of openapi.yaml. The error names the operation that
// breaks one.
func Parse(document []byte) (*Map, error) {
	routes, err := readRoutes(document)
	if err != nil {
		return nil, fmt.Errorf("path map: %w", err)
	}
	m := &Map{routes: routes}
	if err := m.index(); err != nil {
		return nil, fmt.Errorf("path map: %w", err)
	}
	return m, nil
}

// Routes returns every operation in order of path, then method. The slice is
// the caller's own.
func (m *Map) Routes() []Route { return slices.Clone(m.routes) }
