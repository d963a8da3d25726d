// Package recent is a bounded memory of what was asked for lately.
package recent

import "sync"

// A Cache holds up to twice size values and forgets those not asked for lately. It is
// safe for concurrent use. Values are shared, so they must not be changed.
//
// Two generations stand in for an order of use: what nobody asked for while a whole
// generation filled up is gone.
type Cache[K comparable, V any] struct {
	size     int
	mu       sync.RWMutex
	new, old map[K]V // guarded by mu
}

// New returns an empty cache of two generations of size values each.
func New[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{size: size, new: map[K]V{}}
}

// Get returns the value of k and keeps it for another while.
func (c *Cache[K, V]) Get(k K) (V, bool) {
	c.mu.RLock()
	v, ok := c.new[k]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[k]
	c.mu.RUnlock()
	if ok {
		c.keep(k, v)
	}
	return v, ok
}

// keep moves a value of the old generation to the new one, unless it was replaced.
func (c *Cache[K, V]) keep(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.new[k]; !ok {
		c.set(k, v)
	}
}

// Put sets the value of k.
func (c *Cache[K, V]) Put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(k, v)
}

func (c *Cache[K, V]) set(k K, v V) {
	if _, ok := c.new[k]; !ok && len(c.new) >= c.size {
		c.new, c.old = map[K]V{}, c.new
	}
	c.new[k] = v
}
