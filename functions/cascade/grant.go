package cascade

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/store"
)

// grant settles the person of a grant that ended or is gone, or that cannot be opened and so
// counts for nothing. A grant that lives without
// its client was started while the client was being deleted, and ends now; the event of
// that brings it here again.
func (c *Cascade) grant(ctx context.Context, change Change) error {
	g, err := c.Store.GrantByDocument(ctx, change.Document)
	switch {
	case errors.Is(err, store.ErrNotFound), store.Unreadable(err):
		return c.settlePersonOf(ctx, change)
	case err != nil:
		return fmt.Errorf("look at the grant: %w", err)
	case g.Ended(c.Now()):
		return c.settle(ctx, store.PersonDocument(g.Person.Subject))
	case g.CIMD:
		return nil // its client is registered nowhere
	}
	exists, err := c.Store.ClientExists(ctx, store.ClientDocument(g.ClientID))
	if err != nil {
		return fmt.Errorf("look at the grant's client: %w", err)
	}
	if exists {
		return nil
	}
	return c.endGrant(ctx, g)
}

// code settles the person of a code that is gone, which may have signed in and never
// come further. Other changes of a code decide nothing.
func (c *Cascade) code(ctx context.Context, change Change) error {
	if !change.Deleted {
		return nil
	}
	return c.settlePersonOf(ctx, change)
}

// settlePersonOf settles the person of a document that is gone. An event from before
// its deletion may not say whose it was; that of the deletion does.
func (c *Cascade) settlePersonOf(ctx context.Context, change Change) error {
	person := change.OldIndex["person"]
	if person == "" && !change.Deleted {
		return nil
	}
	if !isDocumentID(person) {
		c.ignore(ctx, change, "it does not say whose the document was")
		return nil
	}
	return c.settle(ctx, person)
}
