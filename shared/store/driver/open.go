package driver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// An Opener opens the store that name describes, the part of a STORE setting
// after its scheme. It does no network I/O and may be called at start; what it
// finds wrong with name it says in words for the operator.
type Opener func(ctx context.Context, name string) (Driver, error)

var (
	openersMu sync.Mutex
	openers   = map[string]Opener{}
)

// Register makes a driver available under a scheme. It is called from init and
// panics if the scheme is taken.
func Register(scheme string, open Opener) {
	openersMu.Lock()
	defer openersMu.Unlock()
	if _, taken := openers[scheme]; taken {
		panic("driver: scheme registered twice: " + scheme)
	}
	openers[scheme] = open
}

// Open opens the store of a STORE setting such as "firestore:my-project" or
// "embedded:.postern".
func Open(ctx context.Context, setting string) (Driver, error) {
	scheme, name, _ := strings.Cut(setting, ":")
	openersMu.Lock()
	open, ok := openers[scheme]
	known := slices.Sorted(maps.Keys(openers))
	openersMu.Unlock()
	if !ok {
		return nil, fmt.Errorf("store %q: this program has no driver %q, only %s",
			setting, scheme, strings.Join(known, ", "))
	}
	return open(ctx, name)
}
