package cascade

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/postern-dev/postern/shared/store"
)

// Fields of google.events.cloud.firestore.v1.DocumentEventData. Its Document has the
// wire form of google.firestore.v1.Document, which the store's client links already.
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
	for _, d := range []*firestorepb.Document{now, old} {
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
func named(d *firestorepb.Document, database, path string) bool {
	_, rest, ok := strings.Cut(d.GetName(), "/databases/")
	if !ok {
		return false
	}
	name, documentPath, ok := strings.Cut(rest, "/documents/")
	return ok && documentPath == path && (database == "" || name == database)
}

// documents returns the document after and before a change, nil where there is none.
func documents(data []byte) (now, old *firestorepb.Document, err error) {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, nil, errNoProtobuf
		}
		data = data[n:]
		if kind != protowire.BytesType || (number != valueField && number != oldValueField) {
			n = protowire.ConsumeFieldValue(number, kind, data)
			if n < 0 {
				return nil, nil, errNoProtobuf
			}
			data = data[n:]
			continue
		}
		message, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return nil, nil, errNoProtobuf
		}
		data = data[n:]
		d := &firestorepb.Document{}
		// The library's error is dropped: it may quote what it read.
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, d) != nil {
			return nil, nil, errNoProtobuf
		}
		if number == valueField {
			now = d
		} else {
			old = d
		}
	}
	if now == nil && old == nil {
		return nil, nil, fmt.Errorf("%w: there is no document in it", errNoProtobuf)
	}
	return now, old, nil
}

var errNoProtobuf = errors.New("its data is not a google.events.cloud.firestore.v1.DocumentEventData")

// bodyOf returns the sealed body of a document, empty without one.
func bodyOf(d *firestorepb.Document) string { return d.GetFields()[bodyField].GetStringValue() }

// indexOf returns the index values of a document, nil without one.
func indexOf(d *firestorepb.Document) map[string]string {
	if d == nil {
		return nil
	}
	index := map[string]string{}
	for field, value := range d.GetFields() {
		name, ok := strings.CutPrefix(field, indexPrefix)
		if s, isString := value.GetValueType().(*firestorepb.Value_StringValue); ok && isString {
			index[name] = s.StringValue
		}
	}
	return index
}
