package storecopy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/store/driver"
)

// begin marks both stores as parts of one copy and returns the source's part, as it was if it was
// in one before. The source is marked first: a target is marked empty, so it is known
// again whenever this ends.
func (c *Copier) begin(ctx context.Context) (driver.Move, error) {
	from, to, err := c.parts(ctx)
	if err != nil {
		return from, err
	}
	if from.Copy == "" {
		from = driver.Move{Copy: rand.Text(), Phase: driver.InUse}
		if err := driver.SetMove(ctx, c.From, from); err != nil {
			return from, fmt.Errorf("mark the store to copy from: %w", err)
		}
	}
	if filling := (driver.Move{Copy: from.Copy, Phase: driver.Filling}); to != filling {
		if err := driver.SetMove(ctx, c.To, filling); err != nil {
			return from, fmt.Errorf("mark the store to copy to: %w", err)
		}
	}
	return from, nil
}

// parts returns the parts of both stores in moves, or an error if they forbid this one.
func (c *Copier) parts(ctx context.Context) (from, to driver.Move, err error) {
	if from, err = driver.MoveOf(ctx, c.From); err != nil {
		return from, to, fmt.Errorf("the store to copy from: %w", err)
	}
	if to, err = driver.MoveOf(ctx, c.To); err != nil {
		return from, to, fmt.Errorf("the store to copy to: %w", err)
	}
	same := from.Copy != "" && from.Copy == to.Copy
	switch {
	case from.Phase == driver.Filling:
		return from, to, errors.New("the store to copy from is itself not whole: a copy to it was not finished")
	case from.Phase == driver.Moved && !(same && to.Phase == driver.Filling):
		return from, to, errors.New("the records of the store to copy from were moved already: what lives is elsewhere")
	case same && (to.Phase == driver.Filling || to.Phase == driver.Moved):
		return from, to, nil // this copy goes on, or its way back
	case to.Copy != "":
		return from, to, fmt.Errorf("the store to copy to is %s in another copy: name an empty one", to.Phase)
	}
	return from, to, c.mustBeEmpty(ctx)
}

func (c *Copier) mustBeEmpty(ctx context.Context) error {
	for _, collection := range c.Collections {
		records, err := c.To.List(ctx, driver.Query{Collection: collection, Limit: 1})
		if err != nil {
			return fmt.Errorf("the store to copy to: %w", err)
		}
		if len(records) > 0 {
			return fmt.Errorf("the store to copy to has %s that no copy of this store brought: name an empty one",
				collection)
		}
	}
	return nil
}

// Reopen puts a store that was closed or moved in use again. It returns the phase of before, and
// asks ask before it goes back to records that another store may have gone on with.
func Reopen(ctx context.Context, d driver.Driver, ask func() error) (driver.Phase, error) {
	m, err := driver.MoveOf(ctx, d)
	if err != nil {
		return "", err
	}
	switch m.Phase {
	case "", driver.InUse:
		return driver.InUse, nil
	case driver.Filling:
		return m.Phase, errors.New("this store is not whole: a copy to it was not finished. Finish it, " +
			"or go on with the store that it comes from")
	case driver.Moved:
		if err := ask(); err != nil {
			return m.Phase, err
		}
	}
	return m.Phase, driver.SetMove(ctx, d, driver.Move{Copy: m.Copy, Phase: driver.InUse})
}
