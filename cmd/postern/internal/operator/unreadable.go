package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/store"
)

// unreadable counts records that a walk met and could not open, or that were moved.
type unreadable struct {
	n     int
	first error
}

// is reports whether err is about one record alone. Any other error ends a walk: it says
// that the store could not be read.
func (u *unreadable) is(err error) bool {
	if !store.Unreadable(err) {
		return false
	}
	if u.n++; u.first == nil {
		u.first = err
	}
	return true
}

// err returns nil if every record could be opened. So says what follows from it.
func (u *unreadable) err(so string) error {
	if u.n == 0 {
		return nil
	}
	return fmt.Errorf("%s could not be opened, %s; the first: %w", cli.Count(u.n, "record", "records"), so, u.first)
}

// readable yields what a walk could open, and counts the rest in u. Its error ends the walk.
func readable[R any](walk iter.Seq2[R, error], u *unreadable) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for r, err := range walk {
			if u.is(err) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// A sealedView is what can be said of a document without the ring.
type sealedView struct {
	Document string `json:"document"`
	Client   string `json:"client_document,omitempty"`
	Person   string `json:"person_document,omitempty"`
}

// listSealed shows what there is without the ring, and returns an error that says so: it
// is not the list that was asked for.
func (op *Operator) listSealed(ctx context.Context, collection string) error {
	items, rows := []any{}, [][]string{}
	for r, err := range op.documents(ctx, collection) {
		if err != nil {
			return err
		}
		v := sealedView{r.Key.ID, r.Document.Index["client"], r.Document.Index["person"]}
		items = append(items, v)
		rows = append(rows, []string{v.Document, dash(v.Client), dash(v.Person)})
	}
	op.out.Unreadable(len(items))
	op.out.Warn("Shown are ids of documents and the hashes they are found by. " +
		"Names, people, dates and states are sealed.")
	columns := []string{"DOCUMENT", "CLIENT'S DOCUMENT", "PERSON'S DOCUMENT"}
	return errors.Join(op.out.Show(items, columns, rows), op.Opened())
}
