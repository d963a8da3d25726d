package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
)

// records looks whether the store answers, which a client cannot see: it looks up a record
// that nobody has. Nothing is written.
func records(ctx context.Context, p *probe) error {
	k := driver.Key{Collection: store.ClientsCollection, ID: store.ClientDocument("postern doctor")}
	_, err := p.store.Get(ctx, k)
	switch {
	case err == nil, errors.Is(err, driver.ErrNotFound):
		return nil
	case errors.Is(err, driver.ErrNoDatabase):
		p.found(fmt.Sprintf("the records cannot be looked up: %v", err),
			"name a database that is there, in STORE (terraform's variable database): gcloud firestore databases list")
	default:
		p.unknown(fmt.Sprintf("the records cannot be looked up: %v", err),
			"see that you may read them (gcloud auth application-default login, roles/datastore.user) "+
				"and that Firestore answers in that project")
	}
	return ctx.Err()
}
