package cascade

import (
	"context"
	"errors"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
)

// DueEvent is the type of the event by which a schedule asks the cascade to look for changes
// itself, where the store keeps them and nothing sends them.
const DueEvent = "dev.postern.changes.due"

// drainTime is how long one such event may keep the cascade busy: less than the function's
// timeout. What is left is due at the next one.
const drainTime = 90 * time.Second

// Drain handles every change that is due. One that fails is due again later.
func (c *Cascade) Drain(ctx context.Context, q driver.Queue) error {
	limited, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	err := driver.Drain(limited, q, func(ctx context.Context, d driver.Change) error {
		return c.Handle(ctx, changeOf(d))
	}, c.Log)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// changeOf returns a driver's change in the words of [Cascade.Handle].
func changeOf(c driver.Change) Change {
	change := Change{Collection: c.Key.Collection, Document: c.Key.ID, Time: c.Time, Deleted: c.After == nil}
	if c.Before != nil {
		change.OldIndex = c.Before.Index
	}
	if c.Key.Collection == store.PeopleCollection {
		change.Body, change.OldBody = sealedIn(c.After), sealedIn(c.Before)
	}
	return change
}

func sealedIn(d *driver.Document) string {
	if d == nil {
		return ""
	}
	return d.Body
}
