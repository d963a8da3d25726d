package store_test

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/memory"
)

// A refresh of a family at rest, and of one that is refreshed all the time.
func BenchmarkRotate(b *testing.B) {
	for name, step := range map[string]time.Duration{
		"at rest": time.Hour, "ten a second": 100 * time.Millisecond, "without pause": time.Microsecond,
	} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b)
			h.Store = h.over(b, memory.New(nil), grace)
			c := h.register(b, "c_1")
			token := h.login(b, c).Refresh
			for range 1300 {
				token = h.rotate(b, token, c.ID).Refresh
				h.Clock.Advance(step)
			}
			for b.Loop() {
				token = h.rotate(b, token, c.ID).Refresh
				h.Clock.Advance(step)
			}
		})
	}
}
