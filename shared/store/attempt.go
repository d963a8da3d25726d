package store

import (
	"context"

	"github.com/postern-dev/postern/shared/store/driver"
)

// attempts holds, for one call of a verb that works once, the bodies that its runs
// meant to write at one key, each with the answer that goes with it.
//
// The answer to a commit may get lost. Its keeper, or the keeper's client, then runs
// the function again or returns a fault, although the write is there, and the call
// must not take its own write for somebody else's. No two sealings give the same
// body, so a body that is there says that this very call wrote it. (A body that was
// tampered with is not recognised, and the call goes on as for a stranger's.)
type attempts[T any] map[string]T

// committed reads back whether one of the runs was committed at k after all. It
// reads nothing if none of them got as far as writing.
func (a attempts[T]) committed(ctx context.Context, s *Store, k driver.Key) (T, bool) {
	var none T
	if len(a) == 0 {
		return none, false
	}
	d, err := s.db.Get(ctx, k)
	if err != nil {
		return none, false
	}
	answer, ok := a[d.Body]
	return answer, ok
}
