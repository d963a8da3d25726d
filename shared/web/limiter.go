package web

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// LimiterOptions sets a [Limiter]. All but Now are required.
type LimiterOptions struct {
	// Burst is how many attempts a fresh key has.
	Burst int
	// Every is how long it takes until a spent attempt comes back.
	Every time.Duration
	// MaxKeys bounds the memory: beyond it the key that was used longest ago is
	// forgotten.
	MaxKeys int
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// A Limiter is a bucket of attempts per key, in this process alone. It is safe
// for concurrent use.
//
// To slow guessing down without locking an owner out, key by client and source
// ([ClientKey]) and ask [Limiter.Allow] after a failed check only.
type Limiter struct {
	o LimiterOptions

	mu   sync.Mutex
	keys map[string]*list.Element // guarded by mu, as is used
	used *list.List               // of *bucket, most recent first
}

type bucket struct {
	key     string
	limiter *rate.Limiter
}

// NewLimiter returns a Limiter without keys.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Limiter{o: o, keys: map[string]*list.Element{}, used: list.New()}
}

// Allow spends an attempt of key and reports whether there was one; if not, it
// returns how long to wait.
func (l *Limiter) Allow(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	if wait := l.wait(b); wait > 0 {
		return wait, false
	}
	b.AllowN(l.o.Now(), 1)
	return 0, true
}

func (l *Limiter) wait(b *rate.Limiter) time.Duration {
	missing := 1 - b.TokensAt(l.o.Now())
	if missing <= 0 {
		return 0
	}
	return max(time.Duration(missing*float64(l.o.Every)), 1)
}

// bucket returns the bucket of key and makes it the most recent. l.mu is held.
func (l *Limiter) bucket(key string) *rate.Limiter {
	if e, ok := l.keys[key]; ok {
		l.used.MoveToFront(e)
		return e.Value.(*bucket).limiter
	}
	if l.used.Len() >= l.o.MaxKeys {
		oldest := l.used.Back()
		delete(l.keys, oldest.Value.(*bucket).key)
		l.used.Remove(oldest)
	}
	b := &bucket{key, rate.NewLimiter(rate.Every(l.o.Every), l.o.Burst)}
	l.keys[key] = l.used.PushFront(b)
	return b.limiter
}
