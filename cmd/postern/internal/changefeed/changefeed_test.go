package changefeed

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
)

var errDown = errors.New("it is down")

// following runs FollowFeed for d, over what the feed holds.
func following(t *testing.T, feed driver.Feed, d time.Duration, deliver func(driver.Change) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	always := func(_ context.Context, c driver.Change) error { return deliver(c) }
	FollowFeed(ctx, feed, always, slog.New(slog.DiscardHandler))
}

func write(t *testing.T, d *memory.Driver, ids ...string) {
	t.Helper()
	for _, id := range ids {
		k := driver.Key{Collection: "grants", ID: id}
		if err := d.Create(t.Context(), k, driver.Document{Body: "sealed"}); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, d *memory.Driver) int {
	t.Helper()
	changes, err := d.Changes(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(changes)
}

func TestEveryChangeIsDeliveredAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := memory.New(nil)
		write(t, d, "a", "b")
		var got []string
		following(t, d, 3*pollEvery+1, func(c driver.Change) error {
			got = append(got, c.Key.ID)
			if c.Key.ID == "b" {
				write(t, d, "c") // an effect of its own
			}
			return nil
		})
		if !slices.Equal(got, []string{"a", "b", "c"}) || left(t, d) != 0 {
			t.Errorf("got %v with %d changes left, want a b c and none", got, left(t, d))
		}
	})
}

func TestFailedChangeIsRetriedAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := memory.New(nil)
		write(t, d, "a", "b", "c")
		var got []string
		following(t, d, time.Minute, func(c driver.Change) error {
			got = append(got, c.Key.ID)
			if c.Key.ID == "b" && len(got) < 6 {
				if left(t, d) == 0 {
					t.Error("a change was forgotten before it was done")
				}
				return errDown
			}
			return nil
		})
		if !slices.Equal(got, []string{"a", "b", "c", "b", "b", "b"}) || left(t, d) != 0 {
			t.Errorf("got %v with %d changes left", got, left(t, d))
		}
	})
}

// What a process had in hand when it was killed is the next one's.
func TestNextFollowerTakesOverWhatIsNotDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := memory.New(nil)
		write(t, d, "a", "b")
		following(t, d, time.Minute, func(c driver.Change) error {
			if c.Key.ID == "a" {
				return errDown
			}
			return nil
		})
		var got []string
		following(t, d, time.Minute, func(c driver.Change) error { got = append(got, c.Key.ID); return nil })
		if !slices.Equal(got, []string{"a", "b"}) || left(t, d) != 0 {
			t.Errorf("got %v with %d changes left, want a, b again (at least once)", got, left(t, d))
		}
	})
}

func TestChangeIsGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := memory.New(nil)
		write(t, d, "a")
		tries := 0
		following(t, d, 30*time.Hour, func(driver.Change) error { tries++; return errDown })
		if tries < 100 || tries > 200 || left(t, d) != 0 {
			t.Errorf("got %d tries with %d changes left, want one each ten minutes of a day", tries, left(t, d))
		}
	})
}

// A brokenFeed does not answer at first.
type brokenFeed struct {
	driver.Feed
	fail int
}

func (f *brokenFeed) Changes(ctx context.Context, after int64, limit int) ([]driver.Change, error) {
	if f.fail--; f.fail >= 0 {
		return nil, errDown
	}
	return f.Feed.Changes(ctx, after, limit)
}

func TestFeedThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := memory.New(nil)
		write(t, d, "a")
		got := 0
		following(t, &brokenFeed{d, 3}, 10*pollEvery, func(driver.Change) error { got++; return nil })
		if got != 1 {
			t.Errorf("got %d deliveries, want 1", got)
		}
	})
}
