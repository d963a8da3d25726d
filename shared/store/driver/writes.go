package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrNested says that a transaction function called a writing method of the
// driver itself, with the context that it was given, instead of one of its Tx.
var ErrNested = errors.New("write outside the transaction in progress")

type inTransaction struct{}

// Enter returns the context for a transaction function. It fails with ErrNested
// inside another one, where a driver with one writer would wait for itself, and
// with the context's error if that has ended.
func Enter(ctx context.Context) (context.Context, error) {
	if err := Outside(ctx); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, inTransaction{}, true), nil
}

// Outside returns ErrNested if ctx was given to a transaction function, and the
// context's error if that has ended.
func Outside(ctx context.Context) error {
	if ctx.Value(inTransaction{}) != nil {
		return ErrNested
	}
	return ctx.Err()
}

// A WriteKind says what a Write does.
type WriteKind int

// The kinds of writes, one for each writing method of Tx.
const (
	CreateWrite WriteKind = iota + 1
	SetWrite
	DeleteWrite
)

// A Write is one write that a transaction function asked for.
type Write struct {
	Kind     WriteKind
	Key      Key
	Document Document // as Clone returns it; zero for DeleteWrite
}

// Writes is the writing half of a Tx, for drivers to embed: it checks and keeps
// what the transaction function asked for, in that order, until the driver
// applies it. It remembers what went wrong, so that a function that ignores an
// error does not commit half of what it meant.
type Writes struct {
	list   []Write
	late   bool
	broken error
}

// Read says that the function reads k now. It returns ErrReadAfterWrite if it has
// written before, or an error for which errors.Is(err, ErrInvalid) holds.
func (w *Writes) Read(k Key) error {
	if len(w.list) > 0 {
		w.late = true
		return ErrReadAfterWrite
	}
	return w.Broken(k.Check())
}

// Broken remembers that the keeper could not answer a read: err is neither nil
// nor ErrNotFound nor ErrMalformed. The transaction then fails even if the function returns nil.
// It returns err.
func (w *Writes) Broken(err error) error {
	if w.broken == nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrMalformed) {
		w.broken = err
	}
	return err
}

// Create asks for d to be stored at k, where there must be no document.
func (w *Writes) Create(k Key, d Document) error { return w.add(CreateWrite, k, d) }

// Set asks for d to be stored at k.
func (w *Writes) Set(k Key, d Document) error { return w.add(SetWrite, k, d) }

// Delete asks for k to be removed.
func (w *Writes) Delete(k Key) error { return w.add(DeleteWrite, k, Document{}) }

func (w *Writes) add(kind WriteKind, k Key, d Document) error {
	if err := errors.Join(k.Check(), d.Check()); err != nil {
		return w.Broken(err)
	}
	if kind == CreateWrite && w.makes(k) {
		return w.Broken(fmt.Errorf("create in %s: %w", k.Collection, ErrExists))
	}
	w.list = append(w.list, Write{kind, k, d.Clone()})
	return nil
}

// makes reports whether the last write of k so far leaves a document there.
// Firestore calls a Create after it a malformed request, so it is refused here.
func (w *Writes) makes(k Key) bool {
	for _, write := range slices.Backward(w.list) {
		if write.Key == k {
			return write.Kind != DeleteWrite
		}
	}
	return false
}

// Done returns the writes to apply after the function returned err. It returns
// ErrReadAfterWrite if there was a late read, whatever err is; else err; else
// what Broken remembers.
func (w *Writes) Done(err error) ([]Write, error) {
	switch {
	case w.late:
		return nil, ErrReadAfterWrite
	case err != nil:
		return nil, err
	case w.broken != nil:
		return nil, w.broken
	}
	return w.list, nil
}
