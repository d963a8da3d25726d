package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrMoving says that a store refuses because its records are moved, or were. It is a fault
// like any other that passes: whoever asked comes again, and loses nothing.
var ErrMoving = errors.New("the records of this store are moved to another one")

// A Phase says what a store may be used for while its records are moved.
type Phase string

// The phases. A store that never had part in a move has none, and is in use.
const (
	InUse   Phase = "in use"  // all is answered
	Filling Phase = "filling" // records arrive, not all are there: nothing is answered
	Closed  Phase = "closed"  // reads are answered, nothing is written any more
	Moved   Phase = "moved"   // the records live elsewhere: nothing is answered
)

// A Move is a store's part in a move of records: a document beside them that every server
// reads, whatever keeps them.
type Move struct {
	// Copy names the move, the same in both stores.
	Copy  string `json:"copy"`
	Phase Phase  `json:"phase"`
}

var moveKey = Key{Collection: "moves", ID: "store"}

// MoveOf returns the part of d in a move, the zero Move for none.
func MoveOf(ctx context.Context, d Driver) (Move, error) {
	doc, err := d.Get(ctx, moveKey)
	if errors.Is(err, ErrNotFound) {
		return Move{}, nil
	}
	if err != nil {
		return Move{}, fmt.Errorf("look whether the store is moved: %w", err)
	}
	var m Move
	if err := json.Unmarshal([]byte(doc.Body), &m); err != nil {
		return Move{}, fmt.Errorf("look whether the store is moved: %w: %w", ErrMalformed, err)
	}
	return m, nil
}

// SetMove makes m the part of d in a move. Servers hear of it within [Settle].
func SetMove(ctx context.Context, d Driver, m Move) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return d.RunTransaction(ctx, func(_ context.Context, tx Tx) error {
		return tx.Set(moveKey, Document{Body: string(body)})
	})
}

// refusal returns ErrMoving if a store in phase p does not take a call.
func (p Phase) refusal(write bool) error {
	switch {
	case p == "", p == InUse, p == Closed && !write:
		return nil
	}
	return fmt.Errorf("%w (it is %s): see docs/moving-stores.md", ErrMoving, p)
}
