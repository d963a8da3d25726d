package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/store"
)

const (
	// maxGrants bounds the cache, in entries of about a kilobyte.
	maxGrants = 4096
	// lookTimeout bounds one look at the store.
	lookTimeout = 5 * time.Second
)

// A liveness knows which grants live, by looks no older than maxAge. It is safe for
// concurrent use.
type liveness struct {
	store  *store.Store
	maxAge time.Duration
	now    func() time.Time
	cache  *recent.Cache[string, observation]
	flight singleflight.Group
}

// An observation is a grant as a look at the store showed it. It is never changed.
type observation struct {
	grant store.Grant
	ended bool
	at    time.Time // when the look began: a revocation after that may have been missed
}

func newLiveness(s *store.Store, maxAge time.Duration, now func() time.Time) *liveness {
	return &liveness{store: s, maxAge: maxAge, now: now, cache: recent.New[string, observation](maxGrants)}
}

// look returns a grant that lives, or store.ErrNotFound. Any other error means that
// the store could not be asked, and says nothing about the grant.
func (l *liveness) look(ctx context.Context, id string) (store.Grant, error) {
	now := l.now()
	if s, ok := l.cache.Get(id); ok && l.fresh(s, now) {
		return s.result(now)
	}
	return l.ask(ctx, id, now)
}

// lookAgain is look for a caller who knows that the grant may have changed at the time
// changed, and wants to see no earlier state. Tokens have whole seconds.
func (l *liveness) lookAgain(ctx context.Context, id string, changed time.Time) (store.Grant, error) {
	now := l.now()
	if s, ok := l.cache.Get(id); ok && l.fresh(s, now) && s.at.After(changed.Add(time.Second)) {
		return s.result(now)
	}
	s, err := l.read(ctx, id)
	if err != nil {
		return store.Grant{}, err
	}
	return s.result(now)
}

func (l *liveness) fresh(s observation, now time.Time) bool { return now.Sub(s.at) < l.maxAge }

func (s observation) result(now time.Time) (store.Grant, error) {
	if s.ended || s.grant.Ended(now) {
		return store.Grant{}, store.ErrNotFound
	}
	return s.grant, nil
}

// ask looks at the store, together with all who ask for the same grant meanwhile. A
// look that began too long ago, however, would stretch the bound.
func (l *liveness) ask(ctx context.Context, id string, now time.Time) (store.Grant, error) {
	if l.maxAge > 0 {
		shared := l.flight.DoChan(id, func() (any, error) { return l.read(ctx, id) })
		select {
		case got := <-shared:
			if got.Err != nil {
				return store.Grant{}, got.Err
			}
			if s := got.Val.(observation); l.fresh(s, now) {
				return s.result(now)
			}
		case <-ctx.Done():
			return store.Grant{}, ctx.Err()
		}
	}
	s, err := l.read(ctx, id)
	if err != nil {
		return store.Grant{}, err
	}
	return s.result(now)
}

// read looks at the store and remembers. The look does not end with the request that
// began it, since others wait for it.
func (l *liveness) read(ctx context.Context, id string) (observation, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	s := observation{at: l.now()}
	var err error
	s.grant, err = l.store.LiveGrant(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		s.ended, err = true, nil
	}
	if err != nil {
		return observation{}, fmt.Errorf("look at grant: %w", err)
	}
	if l.maxAge > 0 {
		l.cache.Put(id, s)
	}
	return s, nil
}
