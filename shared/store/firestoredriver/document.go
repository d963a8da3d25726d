package firestoredriver

import (
	"fmt"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/postern-dev/postern/shared/store/driver"
)

const (
	bodyField        = "body"
	deleteAfterField = "delete_after"
	indexPrefix      = "i_"
)

// root is the name of the database.
func (d *Driver) root() string { return "projects/" + d.project + "/databases/" + d.database }

// document is the name of the document at k.
func (d *Driver) document(k driver.Key) string {
	return d.root() + "/documents/" + k.Collection + "/" + k.ID
}

// absent is the condition that there is no document.
var absent = &firestorepb.Precondition{ConditionType: &firestorepb.Precondition_Exists{Exists: false}}

// unchanged is the condition that a document is as it was read.
func unchanged(d *firestorepb.Document) *firestorepb.Precondition {
	return &firestorepb.Precondition{
		ConditionType: &firestorepb.Precondition_UpdateTime{UpdateTime: d.GetUpdateTime()},
	}
}

// set is a write of the whole document, on a condition if it is not nil.
func set(name string, d driver.Document, on *firestorepb.Precondition) *firestorepb.Write {
	document := &firestorepb.Document{Name: name, Fields: encode(d)}
	return &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: document}, CurrentDocument: on}
}

// remove is a deletion, on a condition if it is not nil.
func remove(name string, on *firestorepb.Precondition) *firestorepb.Write {
	return &firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: name}, CurrentDocument: on}
}

// query returns q as Firestore asks it.
func (d *Driver) query(q driver.Query) *firestorepb.StructuredQuery {
	name := &firestorepb.StructuredQuery_FieldReference{FieldPath: "__name__"}
	query := &firestorepb.StructuredQuery{
		From:    []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: q.Collection}},
		OrderBy: []*firestorepb.StructuredQuery_Order{{Field: name, Direction: firestorepb.StructuredQuery_ASCENDING}},
		Limit:   wrapperspb.Int32(int32(q.Limit)),
	}
	if q.Field != "" {
		query.Where = &firestorepb.StructuredQuery_Filter{
			FilterType: &firestorepb.StructuredQuery_Filter_FieldFilter{
				FieldFilter: &firestorepb.StructuredQuery_FieldFilter{
					Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: indexPrefix + q.Field},
					Op:    firestorepb.StructuredQuery_FieldFilter_EQUAL,
					Value: text(q.Value),
				},
			},
		}
	}
	if q.After != "" {
		last := d.document(driver.Key{Collection: q.Collection, ID: q.After})
		value := &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: last}}
		query.StartAt = &firestorepb.Cursor{Values: []*firestorepb.Value{value}}
	}
	return query
}

func text(s string) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: s}}
}

// encode returns the fields of d.
func encode(d driver.Document) map[string]*firestorepb.Value {
	d = d.Clone()
	fields := map[string]*firestorepb.Value{bodyField: text(d.Body)}
	for name, value := range d.Index {
		fields[indexPrefix+name] = text(value)
	}
	if !d.DeleteAfter.IsZero() {
		at := timestamppb.New(d.DeleteAfter)
		fields[deleteAfterField] = &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: at}}
	}
	return fields
}

// decode returns a document of a collection as the driver's. One that this package did not
// write is driver.ErrMalformed.
func decode(collection string, document *firestorepb.Document) (driver.Document, error) {
	fields := document.GetFields()
	d := driver.Document{Index: map[string]string{}}
	body, ok := fields[bodyField].GetValueType().(*firestorepb.Value_StringValue)
	if !ok {
		return driver.Document{}, malformed(collection, bodyField, "a string")
	}
	d.Body = body.StringValue
	if after, present := fields[deleteAfterField]; present {
		at, ok := after.GetValueType().(*firestorepb.Value_TimestampValue)
		if !ok {
			return driver.Document{}, malformed(collection, deleteAfterField, "a timestamp")
		}
		d.DeleteAfter = at.TimestampValue.AsTime()
	}
	for field, value := range fields {
		name, labelled := strings.CutPrefix(field, indexPrefix)
		if !labelled {
			continue
		}
		label, ok := value.GetValueType().(*firestorepb.Value_StringValue)
		if !ok {
			return driver.Document{}, malformed(collection, field, "a string")
		}
		d.Index[name] = label.StringValue
	}
	return d.Clone(), nil
}

// malformed is the error of a document with a field that is not what we write.
func malformed(collection, field, want string) error {
	return fmt.Errorf("decode document of %s: field %s is not %s: %w", collection, field, want, driver.ErrMalformed)
}
