// Package limit slows callers down who try too often.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/recent"
)

// Options sets a [Limiter]. All but Now are required.
type Options struct {
	// Burst is how many attempts a fresh key has.
	Burst int
	// Every is how long it takes until a spent attempt comes back.
	Every time.Duration
	// MaxKeys bounds the memory: beyond it keys that were not used lately are forgotten.
	MaxKeys int
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// A Limiter is a bucket of attempts per key, in this process alone. It is safe for
// concurrent use.
//
// To slow guessing down without locking an owner out, key by client and source
// (edge.ClientKey) and ask [Limiter.Allow] after a failed check only.
type Limiter struct {
	o Options

	mu      sync.Mutex
	buckets *recent.Cache[string, *rate.Limiter] // guarded by mu: a key has one bucket
}

// New returns a Limiter without keys.
func New(o Options) *Limiter {
	o.Now = defaults.Now(o.Now)
	return &Limiter{o: o, buckets: recent.New[string, *rate.Limiter](max(o.MaxKeys/2, 1))}
}

// Allow spends an attempt of key and reports whether there was one; if not, it returns how
// long to wait.
func (l *Limiter) Allow(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(key), l.o.Now()
	if missing := 1 - b.TokensAt(now); missing > 0 {
		return max(time.Duration(missing*float64(l.o.Every)), 1), false
	}
	b.AllowN(now, 1)
	return 0, true
}

// bucket returns the bucket of key. l.mu is held.
func (l *Limiter) bucket(key string) *rate.Limiter {
	b, ok := l.buckets.Get(key)
	if !ok {
		b = rate.NewLimiter(rate.Every(l.o.Every), l.o.Burst)
		l.buckets.Put(key, b)
	}
	return b
}
