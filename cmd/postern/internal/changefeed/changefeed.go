// Package changefeed delivers the changes of a store that reports them itself, as the
// platform's events do for Firedriver.
package changefeed

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
)

const (
	pollEvery  = time.Second
	feedPage   = 200
	maxPending = 1000 // changes in hand; more are left in the feed
)

// A Deliver takes a change and returns an error if it has to come again.
type Deliver = func(context.Context, driver.Change) error

// A Follow gives every change of a store to deliver, at least once, until ctx ends.
type Follow func(ctx context.Context, deliver Deliver, log *slog.Logger)

// Open opens the driver of a STORE setting for its changes. follow is nil when changes come
// from outside, as Firestore's do by Eventarc. The caller closes it when it no longer follows.
func Open(ctx context.Context, setting string) (follow Follow, closeFeed func() error, err error) {
	db, err := drivers.All.Open(ctx, setting)
	if err != nil {
		return nil, nil, err
	}
	switch source := db.(type) {
	case driver.Feed:
		follow = func(ctx context.Context, d Deliver, log *slog.Logger) { FollowFeed(ctx, source, d, log) }
	case driver.Queue:
		follow = func(ctx context.Context, d Deliver, log *slog.Logger) { FollowQueue(ctx, source, d, log) }
	default:
		return nil, nil, db.Close()
	}
	return follow, db.Close, nil
}

// FollowQueue drains a queue until ctx ends: whenever it is woken, and now and then.
func FollowQueue(ctx context.Context, q driver.Queue, deliver Deliver, log *slog.Logger) {
	woken := make(chan struct{}, 1)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		q.Listen(ctx, func() {
			select {
			case woken <- struct{}{}:
			default: // somebody woke it already
			}
		})
	}()
	defer func() { <-listening }()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := driver.Drain(ctx, q, deliver, log); err != nil && ctx.Err() == nil {
			silent(ctx, log, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-tick.C:
		}
	}
}

func silent(ctx context.Context, log *slog.Logger, err error) {
	log.LogAttrs(ctx, slog.LevelWarn, "change feed does not answer", slog.Any("error", err))
}

// FollowFeed gives every change of a feed to deliver, at least once, until ctx ends. One
// that fails is tried again, later each time and up to a day, and does not hold up the
// others. A change is forgotten after it and all before it are done, so what a killed
// process had in hand is delivered by the next one. Several processes may follow one
// feed; each change then reaches at least one of them.
func FollowFeed(ctx context.Context, feed driver.Feed, deliver Deliver, log *slog.Logger) {
	f := follower{feed: feed, deliver: deliver, log: log}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := f.round(ctx); err != nil && ctx.Err() == nil {
			silent(ctx, log, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A follower is the state of one FollowFeed.
type follower struct {
	feed    driver.Feed
	deliver Deliver
	log     *slog.Logger

	read      int64      // the last sequence number that was read
	forgotten int64      // the last one that was forgotten
	pending   []*pending // in order of sequence
}

// pending is a change that is not done.
type pending struct {
	change driver.Change // its Tries count here
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
	ctx, cancel := context.WithTimeout(ctx, driver.DeliveryLimit)
	defer cancel()
	err := f.deliver(ctx, p.change)
	if err == nil {
		return true
	}
	k := p.change.Key
	attrs := []slog.Attr{slog.String("collection", k.Collection), slog.String("document", k.ID), slog.Any("error", err)}
	if time.Since(p.change.Time) > driver.GiveUpAfter {
		f.log.LogAttrs(ctx, slog.LevelError, "event given up after a day", attrs...)
		return true
	}
	p.change.Tries++
	pause := driver.RetryPause(p.change.Tries)
	p.due = time.Now().Add(pause)
	f.log.LogAttrs(ctx, slog.LevelInfo, "event is tried again", append(attrs, slog.Duration("in", pause))...)
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
