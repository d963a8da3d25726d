// Package changefeed delivers the changes of a store that reports them itself, as the
// platform's events do for Firedriver.
package changefeed

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
)

const (
	pollEvery     = time.Second
	feedPage      = 200
	maxPending    = 1000             // changes in hand; more are left in the feed
	deliveryLimit = time.Minute      // one delivery
	firstRetry    = 2 * time.Second  // doubled with each failure,
	lastRetry     = 10 * time.Minute // up to this,
	giveUpAfter   = 24 * time.Hour   // for as long as the platform would try
)

// Open opens the driver of a STORE setting for its changes. feed is nil when changes come
// from outside, as Firestore's do by Eventarc. The caller closes it when it no longer follows.
func Open(ctx context.Context, setting string) (feed driver.Feed, closeFeed func() error, err error) {
	db, err := drivers.All.Open(ctx, setting)
	if err != nil {
		return nil, nil, err
	}
	feed, ok := db.(driver.Feed)
	if !ok {
		return nil, nil, db.Close()
	}
	return feed, db.Close, nil
}

// Deliver gives every change of a feed to deliver, at least once, until ctx ends. One
// that fails is tried again, later each time and up to a day, and does not hold up the
// others. A change is forgotten after it and all before it are done, so what a killed
// process had in hand is delivered by the next one. Several processes may follow one
// feed; each change then reaches at least one of them.
func Deliver(
	ctx context.Context, feed driver.Feed, deliver func(context.Context, driver.Change) error, log *slog.Logger,
) {
	f := follower{feed: feed, deliver: deliver, log: log}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := f.round(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "change feed does not answer", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A follower is the state of one Deliver.
type follower struct {
	feed    driver.Feed
	deliver func(context.Context, driver.Change) error
	log     *slog.Logger

	read      int64      // the last sequence number that was read
	forgotten int64      // the last one that was forgotten
	pending   []*pending // in order of sequence
}

// pending is a change that is not done.
type pending struct {
	change driver.Change
	pause  time.Duration
	due    time.Time
}

// round reads what is new, delivers what is due, and forgets what is done.
func (f *follower) round(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = f.fetch(ctx); err != nil {
			return err
		}
		f.work(ctx)
		if err := f.forget(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fetch takes one page of changes, if there is room, and reports whether it was full.
func (f *follower) fetch(ctx context.Context) (more bool, err error) {
	room := min(feedPage, maxPending-len(f.pending))
	if room <= 0 {
		return false, nil
	}
	changes, err := f.feed.Changes(ctx, f.read, room)
	if err != nil {
		return false, err
	}
	for _, c := range changes {
		f.pending = append(f.pending, &pending{change: c})
		f.read = c.Sequence
	}
	return len(changes) == room, nil
}

func (f *follower) work(ctx context.Context) {
	f.pending = slices.DeleteFunc(f.pending, func(p *pending) bool {
		return ctx.Err() == nil && !time.Now().Before(p.due) && f.done(ctx, p)
	})
}

// done delivers one change and reports whether it is done with.
func (f *follower) done(ctx context.Context, p *pending) bool {
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	err := f.deliver(ctx, p.change)
	if err == nil {
		return true
	}
	k := p.change.Key
	attrs := []slog.Attr{slog.String("collection", k.Collection), slog.String("document", k.ID), slog.Any("error", err)}
	if time.Since(p.change.Time) > giveUpAfter {
		f.log.LogAttrs(ctx, slog.LevelError, "event given up after a day", attrs...)
		return true
	}
	p.pause = min(cmp.Or(2*p.pause, firstRetry), lastRetry)
	p.due = time.Now().Add(p.pause)
	f.log.LogAttrs(ctx, slog.LevelInfo, "event is tried again", append(attrs, slog.Duration("in", p.pause))...)
	return false
}

// forget removes from the feed what is done, up to the first change that is not.
func (f *follower) forget(ctx context.Context) error {
	upTo := f.read
	if len(f.pending) > 0 {
		upTo = f.pending[0].change.Sequence - 1
	}
	if upTo <= f.forgotten {
		return nil
	}
	if err := f.feed.Forget(ctx, upTo); err != nil {
		return err
	}
	f.forgotten = upTo
	return nil
}
