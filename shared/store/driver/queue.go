package driver

import (
	"context"
	"log/slog"
	"time"
)

// A Queue is implemented by drivers that keep changes until somebody has dealt with them, for
// many processes that may come and go. Each change is taken by one of them at a time.
type Queue interface {
	// Take returns changes that are due, oldest first, at most limit of them. Nobody else gets
	// them for lease; one that is not Done by then is due again, because who took it may be
	// dead.
	Take(ctx context.Context, limit int, lease time.Duration) ([]Change, error)

	// Done removes a change that was taken.
	Done(ctx context.Context, sequence int64) error

	// Later makes a change that was taken due after pause.
	Later(ctx context.Context, sequence int64, pause time.Duration) error

	// Listen calls wake whenever there may be something new, until ctx ends. It may miss
	// something, so who listens looks now and then.
	Listen(ctx context.Context, wake func())
}

const (
	taken = 8               // changes in hand
	lease = 2 * time.Minute // for them

	// DeliveryLimit is how long one delivery of a change may take.
	DeliveryLimit = time.Minute
	// GiveUpAfter is how long a change is delivered again: as long as a platform tries.
	GiveUpAfter = 24 * time.Hour

	firstRetry = 2 * time.Second  // doubled with each failure,
	lastRetry  = 10 * time.Minute // up to this
)

// RetryPause is how long a change waits that could not be delivered for the nth time, from 1.
func RetryPause(n int) time.Duration {
	if n > 9 { // 2 s doubled so often is more than 10 min
		return lastRetry
	}
	return min(firstRetry<<(n-1), lastRetry)
}

// Drain gives every change that is due to deliver, at least once, until none is left or ctx
// ends. One that fails is due again later, up to a day, and does not hold up the others.
func Drain(ctx context.Context, q Queue, deliver func(context.Context, Change) error, log *slog.Logger) error {
	for ctx.Err() == nil {
		changes, err := q.Take(ctx, taken, lease)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, c := range changes {
			if err := deliverOne(ctx, q, c, deliver, log); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// deliverOne delivers one change and says to q what became of that.
func deliverOne(
	ctx context.Context, q Queue, c Change, deliver func(context.Context, Change) error, log *slog.Logger,
) error {
	limited, cancel := context.WithTimeout(ctx, DeliveryLimit)
	defer cancel()
	err := deliver(limited, c)
	if err == nil {
		return q.Done(ctx, c.Sequence)
	}
	attrs := []slog.Attr{
		slog.String("collection", c.Key.Collection), slog.String("document", c.Key.ID), slog.Any("error", err),
	}
	if time.Since(c.Time) > GiveUpAfter {
		log.LogAttrs(ctx, slog.LevelError, "event given up after a day", attrs...)
		return q.Done(ctx, c.Sequence)
	}
	pause := RetryPause(c.Tries)
	log.LogAttrs(ctx, slog.LevelInfo, "event is tried again", append(attrs, slog.Duration("in", pause))...)
	return q.Later(ctx, c.Sequence, pause)
}
