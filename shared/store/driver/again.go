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
		if ended := Wait(ctx, pause); ended != nil {
			return fmt.Errorf("transaction: %w: %w", err, ended)
		}
	}
}

// Wait waits for a random time, pause at most, so that those who failed together do not try
// again together. It returns ctx's error if that ends first.
func Wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(pause)):
		return nil
	}
}
