package driver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// How long a transaction waits, at most, before it runs again after a conflict.
const (
	firstPause   = 20 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// Again runs a transaction for a driver that lets others write meanwhile: as long as ctx
// lasts, and until attempt says that no other writer came between its reads and its commit.
func Again(ctx context.Context, attempt func() (conflict bool, err error)) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conflict, err := attempt()
		if !conflict {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("transaction: %w: %w", err, ctx.Err())
		case <-time.After(time.Duration(rand.Int64N(int64(pause)))):
		}
	}
}
