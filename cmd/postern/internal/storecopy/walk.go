package storecopy

import (
	"cmp"
	"context"
	"iter"

	"github.com/postern-dev/postern/shared/store/driver"
)

// A walk is at one record of a list, or at its end. An error is not an end.
type walk struct {
	driver.Record
	err  error
	end  bool
	pull func() (driver.Record, error, bool)
	stop func()
}

// follow begins a walk at the first record.
func follow(records iter.Seq2[driver.Record, error]) *walk {
	w := &walk{}
	w.pull, w.stop = iter.Pull2(records)
	w.next()
	return w
}

func (w *walk) next() {
	var ok bool
	w.Record, w.err, ok = w.pull()
	w.end = !ok
}

// compare says which of two walks is at the smaller id: negative for w. One at its end is behind all.
func (w *walk) compare(v *walk) int {
	switch {
	case v.end:
		return -1
	case w.end:
		return 1
	}
	return cmp.Compare(w.Key.ID, v.Key.ID)
}

// The bounds of one write of several documents: far below those of every keeper.
const (
	batchWrites = 100
	batchBytes  = 2 << 20
)

// A batch holds writes back until they are worth a call. Each of them may be done again.
type batch struct {
	to    driver.Driver // nil to write nothing
	list  []driver.Write
	bytes int
}

func (b *batch) add(w driver.Write) {
	b.list = append(b.list, w)
	b.bytes += len(w.Document.Body)
}

// send writes what is held back, if it is much or the last of it.
func (b *batch) send(ctx context.Context, last bool) error {
	if len(b.list) == 0 || !last && len(b.list) < batchWrites && b.bytes < batchBytes {
		return nil
	}
	list := b.list
	b.list, b.bytes = nil, 0
	if b.to == nil {
		return nil
	}
	return b.to.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
		for _, w := range list {
			if err := write(tx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func write(tx driver.Tx, w driver.Write) error {
	if w.Kind == driver.DeleteWrite {
		return tx.Delete(w.Key)
	}
	return tx.Set(w.Key, w.Document)
}
