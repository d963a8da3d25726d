package seal

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// schema is the first byte of every envelope.
const schema = 1

// maxPart is the longest part of a label, in bytes: its length is one byte.
const maxPart = 255

// A Label says where something sealed belongs. What is sealed under one label
// opens under the same label only. Nothing in it is secret.
type Label struct {
	// Purpose is what the payload is for, such as "record" or "sign-in form". It
	// is required, and differs for whatever two readers understand differently.
	Purpose string
	// Collection is the collection of the document, empty outside the store.
	Collection string
	// Document is the id of the document, empty outside the store.
	Document string
	// Field is the field of the document, empty for the whole of it.
	Field string
}

// String returns the label for an error or a log: purpose, then the place.
func (l Label) String() string {
	return fmt.Sprintf("%q at %q/%q#%q", l.Purpose, l.Collection, l.Document, l.Field)
}

// header returns the bytes of an envelope before its payload, with room behind
// them for extra bytes more.
func (l Label) header(extra int) ([]byte, error) {
	if l.Purpose == "" {
		return nil, errors.New("label without a purpose")
	}
	parts := [...]string{l.Purpose, l.Collection, l.Document, l.Field}
	size := 1
	for _, part := range parts {
		if len(part) > maxPart || !utf8.ValidString(part) {
			return nil, fmt.Errorf("label %s: want parts of at most %d bytes of UTF-8", l, maxPart)
		}
		size += 1 + len(part)
	}
	header := make([]byte, 1, size+extra)
	header[0] = schema
	for _, part := range parts {
		header = append(header, byte(len(part)))
		header = append(header, part...)
	}
	return header, nil
}
