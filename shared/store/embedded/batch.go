package embedded

import (
	"context"
	"errors"
	"fmt"
)

// A batch is a transaction of the file that writers of this process share. They do their
// parts one after the other, and one of them commits for all: what a write costs most is the
// sync of the disk.
type batch struct {
	over chan struct{} // closed when it is committed or rolled back
	err  error         // why it was not committed, once it is over
}

// write runs do with the write lock, in a transaction that is committed when it returns. If
// do fails before it has written anything, nobody else notices; if it fails or panics after
// that, the whole batch is rolled back.
func (f *file) write(ctx context.Context, do func(w *writer) error) (err error) {
	b, err := f.join(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	w, done := *f.writer, false
	defer func() {
		if w.wrote && !done {
			f.abandon(b, err)
		}
		<-f.turn
		if failed := f.await(b); err == nil {
			err = failed
		}
	}()
	err = do(&w)
	done = err == nil
	return err
}

// join waits for the turn, and begins a transaction unless one is open. Whoever joined gives
// the turn back and awaits the batch.
func (f *file) join(ctx context.Context) (*batch, error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.open != nil {
		return f.open, nil
	}
	if _, err := f.writer.begin.ExecContext(ctx); err != nil {
		_, _ = f.writer.rollback.ExecContext(unwatched) // it may have begun when ctx ended
		<-f.turn
		return nil, err
	}
	f.open = &batch{over: make(chan struct{})}
	return f.open, nil
}

// await waits until b is over. Turns are given in the order in which they were asked for, so
// when this one comes, all who waited at the time have done their part, and b can end.
func (f *file) await(b *batch) error {
	select {
	case <-b.over:
	case f.turn <- struct{}{}:
		if f.open == b {
			f.commit(b)
		}
		<-f.turn
	}
	return b.err
}

// commit ends b. The caller has the turn.
func (f *file) commit(b *batch) {
	if _, err := f.writer.commit.ExecContext(unwatched); err != nil {
		f.abandon(b, err)
		return
	}
	f.open = nil
	close(b.over)
}

// abandon rolls b back because of failure. The caller has the turn.
func (f *file) abandon(b *batch, failure error) {
	_, _ = f.writer.rollback.ExecContext(unwatched) // some failures have done it already
	if failure == nil {
		failure = errPanic
	}
	b.err = fmt.Errorf("commit: %w", failure)
	f.open = nil
	close(b.over)
}

var errPanic = errors.New("a write beside it did not end")
