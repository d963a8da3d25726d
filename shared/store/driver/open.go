package driver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Opener opens the store that name describes, the part of a STORE setting
// after its scheme. It does no network I/O and may be called at start; what it
// finds wrong with name it says in words for the operator.
type Opener func(ctx context.Context, name string) (Driver, error)

// Openers are the drivers that a program has, by scheme.
type Openers map[string]Opener

// Open opens the store of a STORE setting such as "firestore:my-project" or
// "embedded:.postern". Its errors do not repeat the setting, which may have a password in it.
func (o Openers) Open(ctx context.Context, setting string) (Driver, error) {
	scheme, name, _ := strings.Cut(setting, ":")
	open, ok := o[scheme]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(o)), ", ")
		return nil, fmt.Errorf("this program has no driver %q, only %s", scheme, known)
	}
	return open(ctx, name)
}
