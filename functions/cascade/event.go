package cascade

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postern-dev/postern/shared/store"
)

// Fields of google.events.cloud.firestore.v1.DocumentEventData. Its Document has the
// wire form of google.firestore.v1.Document.
const (
	valueField    protowire.Number = 1
	oldValueField protowire.Number = 2
)

// bodyField is the name of the field that holds the sealed record.
const bodyField = "body"

// indexPrefix begins the names of the fields that a document is found by.
const indexPrefix = "i_"

// An event is what a CloudEvent of Firestore says, as far as it matters.
type event struct {
	subject  string // "documents/clients/abc", the standard attribute
	document string // "clients/abc", Firestore's attribute; empty if there is none
	database string // "(default)", Firestore's attribute; empty if there is none
	time     time.Time
	data     []byte // a DocumentEventData
}

// change reads an event. wantDatabase is the database that events are taken from, empty
// for any. Its errors hold nothing of the event's data: the event is not one of ours,
// and will not become one.
func (e event) change(wantDatabase string) (Change, error) {
	path := e.document
	if path == "" {
		path = strings.TrimPrefix(e.subject, "documents/")
	}
	collection, id, ok := strings.Cut(path, "/")
	if !ok || strings.Contains(id, "/") {
		return Change{}, errors.New("it names no document of a collection")
	}
	if wantDatabase != "" && e.database != "" && e.database != wantDatabase {
		return Change{}, errors.New("it is about another database")
	}
	now, old, err := documents(e.data)
	if err != nil {
		return Change{}, err
	}
	for _, d := range []*document{now, old} {
		if d != nil && !named(d, wantDatabase, path) {
			return Change{}, errors.New("its data is about another document or database than it says")
		}
	}
	deleted := now == nil && old != nil
	change := Change{Collection: collection, Document: id, OldIndex: indexOf(old), Time: e.time, Deleted: deleted}
	if collection == store.PeopleCollection {
		change.Body, change.OldBody = bodyOf(now), bodyOf(old)
	}
	return change, nil
}

// named reports whether d is the document at path in a database, in whatever project:
// projects/P/databases/D/documents/PATH.
func named(d *document, database, path string) bool {
	_, rest, ok := strings.Cut(d.name, "/databases/")
	if !ok {
		return false
	}
	name, documentPath, ok := strings.Cut(rest, "/documents/")
	return ok && documentPath == path && (database == "" || name == database)
}

// documents returns the document after and before a change, nil where there is none.
func documents(data []byte) (now, old *document, err error) {
	err = members(data, func(number protowire.Number, value []byte) (err error) {
		switch number {
		case valueField:
			now, err = parseDocument(value)
		case oldValueField:
			old, err = parseDocument(value)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if now == nil && old == nil {
		return nil, nil, fmt.Errorf("%w: there is no document in it", errNoProtobuf)
	}
	return now, old, nil
}

var errNoProtobuf = errors.New("its data is not a google.events.cloud.firestore.v1.DocumentEventData")

// bodyOf returns the sealed body of a document, empty without one.
func bodyOf(d *document) string {
	if d == nil {
		return ""
	}
	return d.strings[bodyField]
}

// indexOf returns the index values of a document, nil without one.
func indexOf(d *document) map[string]string {
	if d == nil {
		return nil
	}
	index := map[string]string{}
	for field, value := range d.strings {
		if name, ok := strings.CutPrefix(field, indexPrefix); ok {
			index[name] = value
		}
	}
	return index
}
