// Package driver is the contract between [store.Store], which has all the rules,
// and the keepers of its documents, which have none.
//
// A document is an opaque sealed body with a few index values beside it. A driver
// keeps it, finds it again by key or by one index value, and changes several
// documents at once or not at all. It never looks into a body, never judges an
// expiry and knows nothing of OAuth.
//
// A program says which drivers it has, and [Openers.Open] takes the one that the STORE
// setting names.
package driver

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound says that a document was looked up and that there is none at
	// its key. Every other error of Get is a failure to look, which says nothing
	// about the document, whatever the keeper calls it.
	ErrNotFound = errors.New("document not found")

	// ErrNoDatabase says that the database a STORE setting names is not there. Like
	// every failure to look it says nothing about a document, and is never ErrNotFound.
	ErrNoDatabase = errors.New("the database is not there")

	// ErrMalformed says that the document at a key has another shape than a driver
	// writes: something else wrote it. It is an answer about that document alone.
	ErrMalformed = errors.New("the document was not written by a store")

	// ErrExists says that Create met a document that is already there.
	ErrExists = errors.New("document already exists")

	// ErrReadAfterWrite says that a transaction read after its first write.
	ErrReadAfterWrite = errors.New("read after write in transaction")
)

// A Key names one document.
type Key struct {
	// Collection is a fixed lower-case name such as "clients".
	Collection string
	// ID is 1 to 128 characters of A-Z a-z 0-9 - and _, not of the form __x__.
	ID string
}

// A Document is what a driver keeps at a key.
type Document struct {
	// Body is sealed by the store: printable ASCII, at most 900 KiB.
	Body string

	// Index holds the values by which [Driver.List] finds the document: at most
	// 8 entries, names of a-z and _, values of at most 128 bytes. It is nil when
	// there are none.
	Index map[string]string

	// DeleteAfter is when the keeper may remove the document for good. It is
	// housekeeping and may happen late or never; the zero time means never.
	// Drivers keep it in UTC, cut to the microsecond.
	DeleteAfter time.Time
}

// A Record is a document with its key, as List returns it. One that Get would call
// ErrMalformed is listed without a body, so that it does not hide the others.
type Record struct {
	Key      Key
	Document Document
}

// A Query selects documents of one collection.
type Query struct {
	Collection string

	// Field and Value select the documents whose Index[Field] is Value. An
	// empty Field selects all.
	Field, Value string

	// After is the ID after which the page starts; empty starts at the first.
	After string

	// Limit is the largest number of records to return, 1 to 1000.
	Limit int
}

// A Driver keeps documents. Its methods are safe for concurrent use, and what
// they acknowledged is durable. A key, document or query outside the contract is
// ErrInvalid. Only ErrNotFound and ErrExists are verdicts; every other error says
// that the keeper did not answer.
type Driver interface {
	// Get returns the document at k, or an error for which
	// errors.Is(err, ErrNotFound) holds, or ErrMalformed, or any other.
	Get(ctx context.Context, k Key) (Document, error)

	// Create stores d at k, or returns ErrExists if there is a document already.
	// Where answers can be lost, that document may come from a first try of this
	// very call.
	Create(ctx context.Context, k Key, d Document) error

	// RunTransaction runs f atomically: all of its writes happen or none do,
	// and no other writer changed a document between its read and its write
	// here. A document that f reads and does not write may have changed since.
	// A transaction that never ends, because its process died, keeps nobody
	// waiting for longer than a database does that notices.
	//
	// f may run several times, so it must have no effect outside tx. All its
	// reads come before its first write. If f returns an error nothing is
	// written and that error is returned unchanged. If f returns nil although a
	// method of tx failed with another error than ErrNotFound or ErrMalformed,
	// nothing is written either.
	//
	// f passes the context that it gets to what it calls. Create and
	// RunTransaction refuse that context with ErrNested.
	//
	// An error that f did not return may mean that the writes happened: the
	// answer of the keeper was lost.
	RunTransaction(ctx context.Context, f func(ctx context.Context, tx Tx) error) error

	// List returns the selected records in ascending order of ID, at most
	// q.Limit of them. It sees every write acknowledged before the call.
	List(ctx context.Context, q Query) ([]Record, error)

	// Close releases what the driver holds.
	Close() error
}

// A Tx reads and writes inside [Driver.RunTransaction]. It is used by one
// goroutine, until f returns. Writes happen in the order in which f asked for them.
type Tx interface {
	// Get returns the document at k, ErrNotFound, or ErrReadAfterWrite if f
	// has written before. After ErrReadAfterWrite the transaction fails
	// whatever f returns.
	Get(k Key) (Document, error)

	// Create stores d at k. If there is a document already, the transaction
	// fails with ErrExists, at the call or at its end.
	Create(k Key, d Document) error

	// Set stores d at k, over whatever is there.
	Set(k Key, d Document) error

	// Delete removes the document at k; that there is none is not an error.
	Delete(k Key) error
}

// A Change is one committed change of one document, as a change feed reports it.
type Change struct {
	Key Key
	// Before and After are the document on either side of the change. Before is
	// nil for a creation, After for a deletion.
	Before, After *Document
	// Time is when the change was committed.
	Time time.Time
	// Sequence grows with each change of one feed. In a queue it is a name.
	Sequence int64
	// Tries counts how often a change was taken from a queue, this time included.
	Tries int
}

// A Feed is implemented by drivers of one machine that report changes themselves, because
// nothing outside does it for them (Firestore has Eventarc, PostgreSQL a [Queue]).
type Feed interface {
	// Changes returns changes with a Sequence above after, oldest first, at
	// most limit of them. It returns none when there is nothing new. A write that
	// leaves a document as it was is not a change; a document that the keeper removed
	// after its DeleteAfter is a deletion like any other.
	Changes(ctx context.Context, after int64, limit int) ([]Change, error)

	// Forget removes the changes up to and including a sequence number. A
	// feed that is never read is kept bounded by the driver.
	Forget(ctx context.Context, upTo int64) error
}
