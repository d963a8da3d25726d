package firestoredriver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A fault that may pass is tried again, until it passes, the tries are used up or the call
// has to end; any other is the answer.
func TestFaultsThatMayPassAreTriedAgain(t *testing.T) {
	t.Parallel()
	passing := []codes.Code{codes.Unavailable}
	for name, c := range map[string]struct {
		tries   int
		answers []codes.Code // the last one for ever
		want    codes.Code
		calls   int // 0 for more than 5
	}{
		"passes":            {0, []codes.Code{codes.Unavailable, codes.Unavailable, codes.OK}, codes.OK, 3},
		"is another":        {0, []codes.Code{codes.PermissionDenied}, codes.PermissionDenied, 1},
		"becomes another":   {0, []codes.Code{codes.Unavailable, codes.NotFound}, codes.NotFound, 2},
		"outlasts tries":    {5, []codes.Code{codes.Unavailable}, codes.Unavailable, 5},
		"outlasts the call": {0, []codes.Code{codes.Unavailable}, codes.Unavailable, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			calls, start := 0, time.Now()
			err := patiently(ctx, c.tries, passing, func() error {
				calls++
				return status.Error(c.answers[min(calls, len(c.answers))-1], "")
			})
			if status.Code(err) != c.want || c.calls != 0 && calls != c.calls || c.calls == 0 && calls <= 5 {
				t.Errorf("%s: got %v after %d calls, want %v after %d", name, err, calls, c.want, c.calls)
			}
			if took := time.Since(start); took > deadline {
				t.Errorf("%s: took %s, want at most %s", name, took, deadline)
			}
		})
	}
}
