package storecopy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// mostPasses is how many passes over a closed store may find something to do. One does, unless a
// keeper removes what expired meanwhile.
const mostPasses = 5

// A Copier copies all records of one store to another.
type Copier struct {
	From, To    driver.Driver
	Collections []string

	// Settle is how long to wait for servers to hear of a phase: [driver.Settle], or zero if
	// none runs.
	Settle time.Duration

	// Say, if it is set, is told what happens now.
	Say func(text string)
}

// Copy makes one pass while the source stays in use. Servers go on meanwhile.
func (c *Copier) Copy(ctx context.Context) (Report, error) {
	if _, err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.pass(ctx, c.To)
}

// Look returns what Copy would do. It changes nothing.
func (c *Copier) Look(ctx context.Context) (Report, error) {
	if _, _, err := c.parts(ctx); err != nil {
		return nil, err
	}
	return c.pass(ctx, nil)
}

// Finish copies what changed, in a window in which the source only answers, and hands over to the
// target. The report adds up what its passes did.
func (c *Copier) Finish(ctx context.Context) (Report, error) {
	move, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	done, err := c.pass(ctx, c.To) // so that the window is short
	if err != nil {
		return done, err
	}
	if move.Phase != driver.Moved {
		if err := c.turn(ctx, move.Copy, driver.Closed); err != nil {
			return done, err
		}
	}
	if done, err = c.settleDifferences(ctx, done); err != nil {
		return done, err
	}
	if move.Phase != driver.Moved {
		if err := c.turn(ctx, move.Copy, driver.Moved); err != nil {
			return done, err
		}
	}
	return done, driver.SetMove(ctx, c.To, driver.Move{Copy: move.Copy, Phase: driver.InUse})
}

// turn brings the source to a phase and waits until its servers keep to it.
func (c *Copier) turn(ctx context.Context, name string, p driver.Phase) error {
	c.say(fmt.Sprintf("the old store is %s; waiting until all servers know", p))
	if err := driver.SetMove(ctx, c.From, driver.Move{Copy: name, Phase: p}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.Settle):
		return nil
	}
}

// settleDifferences makes passes over the closed source until one finds nothing to do.
func (c *Copier) settleDifferences(ctx context.Context, done Report) (Report, error) {
	for range mostPasses {
		last, err := c.pass(ctx, c.To)
		done = done.then(last)
		if err != nil || last.same() {
			return done, err
		}
	}
	return done, errors.New("the stores still differ, so somebody writes to one of them: see that no program of " +
		"before this release runs, and start the copy again")
}

func (c *Copier) say(text string) {
	if c.Say != nil {
		c.Say(text)
	}
}
