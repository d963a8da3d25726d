package mcp

import (
	"errors"

	"github.com/postern-dev/postern/shared/store"
)

// serveParts makes the parts.
func (h *handler) serveParts(deps Deps) error {
	var err error
	h.catalogue, err = newCatalogue(h.about, deps, h.Scopes)
	return err
}

// ended reports whether an error of a look says that the grant is over.
func ended(err error) bool { return errors.Is(err, store.ErrNotFound) }
