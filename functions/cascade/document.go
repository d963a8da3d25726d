package cascade

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of google.firestore.v1.Document, of an entry of its fields, and of Value. They are read
// by hand: the messages come with Firestore's client, which a cascade over another store does
// not link.
const (
	nameField   protowire.Number = 1
	fieldsField protowire.Number = 2
	keyField    protowire.Number = 1
	mappedField protowire.Number = 2
	stringField protowire.Number = 17
)

// A document is what an event says of one: its name, and those of its fields that are strings.
type document struct {
	name    string
	strings map[string]string
}

// parseDocument reads a google.firestore.v1.Document.
func parseDocument(data []byte) (*document, error) {
	d := &document{strings: map[string]string{}}
	return d, members(data, func(number protowire.Number, value []byte) error {
		switch number {
		case nameField:
			d.name = string(value)
		case fieldsField:
			return d.parseField(value)
		}
		return nil
	})
}

// parseField reads one entry of the fields of a document.
func (d *document) parseField(entry []byte) error {
	var name string
	var text *string
	err := members(entry, func(number protowire.Number, value []byte) error {
		switch number {
		case keyField:
			name = string(value)
		case mappedField:
			return members(value, func(kind protowire.Number, value []byte) error {
				if kind == stringField {
					text = new(string(value))
				}
				return nil
			})
		}
		return nil
	})
	if text != nil {
		d.strings[name] = *text
	}
	return err
}

// members calls each for every member of a message that is a string or a message, in their
// order.
func members(message []byte, each func(number protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errNoProtobuf
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(number, kind, message)
		if n < 0 {
			return errNoProtobuf
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			if err := each(number, value); err != nil {
				return err
			}
		}
		message = message[n:]
	}
	return nil
}
