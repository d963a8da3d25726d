package driver

import (
	"context"
	"sync"
	"time"
)

const (
	lookEvery = 5 * time.Second  // that a guard goes without looking at the store's phase
	callLimit = 10 * time.Second // for each call that a guard lets through

	// Settle is how long after [SetMove] every call is over that a server let through
	// because of the phase before: one look is used for lookEvery, what began then ends within
	// callLimit, and the keeper gets the rest.
	Settle = lookEvery + callLimit + 3*time.Second
)

// A guard is a driver that keeps to the phase of its store.
type guard struct {
	Driver
	now func() time.Time

	mu    sync.Mutex
	phase Phase
	asOf  time.Time // before the look that found phase
}

// Guard returns d as servers use it: it refuses with [ErrMoving] what a store may not be used
// for while its records are moved. It looks at the store every few seconds of use, and bounds
// each call, so that whoever moves the records knows when the last one is over.
func Guard(d Driver) Driver { return &guard{Driver: d, now: time.Now} }

// admit returns an error unless the store takes a call now. That it cannot be known is one.
func (g *guard) admit(ctx context.Context, write bool) error {
	g.mu.Lock()
	phase, fresh := g.phase, !g.asOf.IsZero() && g.now().Sub(g.asOf) < lookEvery
	g.mu.Unlock()
	if !fresh {
		at := g.now()
		m, err := MoveOf(ctx, g.Driver)
		if err != nil {
			return err
		}
		phase = m.Phase
		g.mu.Lock()
		if at.After(g.asOf) {
			g.phase, g.asOf = phase, at
		}
		g.mu.Unlock()
	}
	return phase.refusal(write)
}

// Get implements [Driver].
func (g *guard) Get(ctx context.Context, k Key) (Document, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := g.admit(ctx, false); err != nil {
		return Document{}, err
	}
	return g.Driver.Get(ctx, k)
}

// List implements [Driver].
func (g *guard) List(ctx context.Context, q Query) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := g.admit(ctx, false); err != nil {
		return nil, err
	}
	return g.Driver.List(ctx, q)
}

// Create implements [Driver].
func (g *guard) Create(ctx context.Context, k Key, d Document) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := g.admit(ctx, true); err != nil {
		return err
	}
	return g.Driver.Create(ctx, k, d)
}

// RunTransaction implements [Driver]. What is refused is refused before f reads, so that f
// never judges by what may not be true any more.
func (g *guard) RunTransaction(ctx context.Context, f func(ctx context.Context, tx Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := g.admit(ctx, true); err != nil {
		return err
	}
	return g.Driver.RunTransaction(ctx, f)
}
