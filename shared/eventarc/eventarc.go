// Package eventarc writes what Eventarc would send of a change, so that a store with a
// change feed of its own can start an event function as Firestore does. It is for programs
// and tests; no function imports it.
package eventarc

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postern-dev/postern/shared/store/driver"
)

// database is the one that a change of a store without databases is said to come from.
const database = "(default)"

// schema is where the form of an event's data is written down.
const schema = "https://github.com/googleapis/google-cloudevents/blob/main/" +
	"proto/google/events/cloud/firestore/v1/data.proto"

// Fields of google.events.cloud.firestore.v1.DocumentEventData, whose Document has the
// wire form of google.firestore.v1.Document.
const (
	valueField    protowire.Number = 1
	oldValueField protowire.Number = 2
	maskField     protowire.Number = 3
)

// Request returns the request in which Eventarc would deliver a change to a function at
// url: a CloudEvent of type google.cloud.firestore.document.v1.written in binary mode, as
// protobuf. project is any project id.
func Request(ctx context.Context, url, project string, c driver.Change) (*http.Request, error) {
	data, err := Data(project, c)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("make event request: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type":   "application/protobuf",
		"Ce-Specversion": "1.0",
		"Ce-Id":          "feed-" + strconv.FormatInt(c.Sequence, 10),
		"Ce-Type":        "google.cloud.firestore.document.v1.written",
		"Ce-Dataschema":  schema,
		"Ce-Source":      "//firestore.googleapis.com/projects/" + project + "/databases/" + database,
		"Ce-Subject":     "documents/" + path(c),
		"Ce-Document":    path(c),
		"Ce-Project":     project,
		"Ce-Database":    database,
		"Ce-Namespace":   database,
		"Ce-Time":        c.Time.UTC().Format(time.RFC3339Nano),
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

func path(c driver.Change) string { return c.Key.Collection + "/" + c.Key.ID }

// Data encodes a change as a DocumentEventData.
func Data(project string, c driver.Change) ([]byte, error) {
	name := "projects/" + project + "/databases/" + database + "/documents/" + path(c)
	now, old := fields(c, true), fields(c, false)
	var data []byte
	for number, f := range map[protowire.Number]map[string]*firestorepb.Value{valueField: now, oldValueField: old} {
		if f == nil {
			continue
		}
		message, err := proto.Marshal(&firestorepb.Document{Name: name, Fields: f, UpdateTime: timestamppb.New(c.Time)})
		if err != nil {
			return nil, err
		}
		data = appendMessage(data, number, message)
	}
	if now == nil || old == nil {
		return data, nil
	}
	mask, err := proto.Marshal(&firestorepb.DocumentMask{FieldPaths: changed(old, now)})
	return appendMessage(data, maskField, mask), err
}

func appendMessage(data []byte, number protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(data, number, protowire.BytesType), message)
}

// fields returns one side of a change as Firestore's driver would keep it, nil if there
// is no document on that side.
func fields(c driver.Change, after bool) map[string]*firestorepb.Value {
	d := c.Before
	if after {
		d = c.After
	}
	if d == nil {
		return nil
	}
	f := map[string]*firestorepb.Value{"body": text(d.Body)}
	for name, value := range d.Index {
		f["i_"+name] = text(value)
	}
	if !d.DeleteAfter.IsZero() {
		end := &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(d.DeleteAfter)}
		f["delete_after"] = &firestorepb.Value{ValueType: end}
	}
	return f
}

func text(s string) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: s}}
}

// changed returns the names of the fields that differ, sorted.
func changed(old, now map[string]*firestorepb.Value) []string {
	var names []string
	for name, value := range now {
		if !proto.Equal(value, old[name]) {
			names = append(names, name)
		}
	}
	for name := range old {
		if now[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
