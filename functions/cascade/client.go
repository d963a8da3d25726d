package cascade

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

const clientDeleted = "client deleted"

// client ends what hangs from a client that is gone. The people of its grants are
// settled by the events of those grants.
func (c *Cascade) client(ctx context.Context, document string) error {
	exists, err := c.Store.ClientExists(ctx, document)
	if err != nil {
		return fmt.Errorf("look at the client: %w", err)
	}
	if exists {
		return nil
	}
	if err := c.endGrants(ctx, document); err != nil {
		return err
	}
	return c.removeCodes(ctx, document)
}

// endGrants ends every grant of a client. One that does not work does not spare the
// rest; the first problem is returned. One that cannot be opened is left with the alarm of
// the store: it works for nobody, least of all without its client.
func (c *Cascade) endGrants(ctx context.Context, client string) error {
	var first error
	for g, err := range c.Store.GrantsOfClient(ctx, client) {
		if store.Unreadable(err) {
			continue
		}
		if err == nil {
			err = c.endGrant(ctx, g)
		}
		first = cmp.Or(first, err)
		if ctx.Err() != nil {
			break
		}
	}
	if first != nil {
		return fmt.Errorf("end the grants of a deleted client: %w", first)
	}
	return nil
}

// endGrant marks a grant of a deleted client as ended, unless it has ended already. A
// CIMD client cannot be deleted, whatever an event says.
func (c *Cascade) endGrant(ctx context.Context, g store.Grant) error {
	if !g.Revoked.IsZero() || g.CIMD {
		return nil
	}
	var mine bool
	err := c.Store.RevokeGrant(ctx, g.ID, clientDeleted, func(present store.Grant) error {
		mine = present.Revoked.IsZero()
		return nil
	})
	if err == nil && mine {
		telemetry.Audit(ctx, c.Log, telemetry.GrantRevoked,
			slog.String("client_id", g.ClientID), slog.String("grant", store.GrantDocument(g.ID)),
			slog.String("by", "cascade"), slog.String("reason", clientDeleted))
	}
	return err
}

// removeCodes removes the unredeemed codes of a client that is gone. Each goes after its
// person is settled: it may be all that still says who signed in.
func (c *Cascade) removeCodes(ctx context.Context, client string) error {
	var first error
	for code, err := range c.Store.CodesOfClient(ctx, client) {
		if store.Unreadable(err) {
			continue
		}
		if err == nil && code.Used.IsZero() && code.CIMD == nil {
			err = c.removeCode(ctx, code)
		}
		first = cmp.Or(first, err)
		if ctx.Err() != nil {
			break
		}
	}
	if first != nil {
		return fmt.Errorf("remove the codes of a deleted client: %w", first)
	}
	return nil
}

func (c *Cascade) removeCode(ctx context.Context, code store.StoredCode) error {
	if err := c.settle(ctx, store.PersonDocument(code.Person.Subject)); err != nil {
		return err
	}
	return c.Store.RemoveCode(ctx, code.Document)
}
