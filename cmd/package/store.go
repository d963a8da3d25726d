package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/postern-dev/postern/shared/manifest"
)

// storeOf reads the name of a store that functions are deployed over.
func storeOf(name string) (manifest.Store, error) {
	if over := manifest.Store(name); slices.Contains(manifest.Stores, over) {
		return over, nil
	}
	return "", fmt.Errorf("-store is %q: want one of %q", name, manifest.Stores)
}

// withDriver returns a file of a function as it is deployed over a store. In the source tree
// a function has Firestore's driver; the other one has a package of the same shape, with
// Openers, so its name is all that differs.
func withDriver(path string, file []byte, over manifest.Store) []byte {
	if over == manifest.Firestore || filepath.Ext(path) != ".go" {
		return file
	}
	return bytes.ReplaceAll(file, []byte("firestoredriver"), []byte("cloudsql"))
}
