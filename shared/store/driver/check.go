package driver

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of what a driver keeps. Firestore's own are a little wider: a
// document of 1 MiB with its field names, an ID of 1,500 bytes.
const (
	MaxBody       = 900 << 10 // bytes of Document.Body
	MaxIndex      = 8         // entries of Document.Index
	MaxIndexValue = 128       // bytes of one value of Document.Index
	MaxID         = 128       // characters of Key.ID
	MaxPage       = 1000      // records of one List
	maxName       = 64        // characters of a collection or an index name
)

// ErrInvalid says that a key, a document or a query is outside the contract. It
// is a mistake of the program, never of the keeper, and nothing was written.
var ErrInvalid = errors.New("outside the contract of the store")

// Check returns an error for which errors.Is(err, ErrInvalid) holds if no
// driver keeps k. The error does not repeat the ID.
//
// Ids in paths are where user text would do harm, so only the alphabet of
// base64url passes. An ID of the form __x__ is reserved by Firestore; the hash of
// a credential never has it, because the 43rd character of 32 bytes in base64url
// carries 4 bits and cannot be "_".
func (k Key) Check() error {
	if !collection(k.Collection) {
		return fmt.Errorf("collection %q: %w: want 1 to %d lower-case letters", k.Collection, ErrInvalid, maxName)
	}
	return checkID(k.ID)
}

func checkID(id string) error {
	if len(id) < 1 || len(id) > MaxID || strings.IndexFunc(id, outsideID) >= 0 {
		return fmt.Errorf("id of %d bytes: %w: want 1 to %d characters of A-Z a-z 0-9 - and _",
			len(id), ErrInvalid, MaxID)
	}
	if len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__") {
		return fmt.Errorf("id of %d bytes: %w: the form __x__ is reserved", len(id), ErrInvalid)
	}
	return nil
}

func outsideID(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

func collection(name string) bool {
	outside := func(r rune) bool { return r < 'a' || r > 'z' }
	return name != "" && len(name) <= maxName && strings.IndexFunc(name, outside) < 0
}

func indexName(name string) bool {
	outside := func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }
	return name != "" && len(name) <= maxName && strings.IndexFunc(name, outside) < 0
}

// Check returns an error for which errors.Is(err, ErrInvalid) holds if no
// driver keeps d. The error repeats neither the body nor a value.
func (d Document) Check() error {
	if len(d.Body) > MaxBody {
		return fmt.Errorf("body of %d bytes: %w: want at most %d", len(d.Body), ErrInvalid, MaxBody)
	}
	for i := range len(d.Body) {
		if c := d.Body[i]; c < ' ' || c > '~' {
			return fmt.Errorf("body has byte %#02x at %d: %w: want printable ASCII", c, i, ErrInvalid)
		}
	}
	if len(d.Index) > MaxIndex {
		return fmt.Errorf("%d index values: %w: want at most %d", len(d.Index), ErrInvalid, MaxIndex)
	}
	for name, value := range d.Index {
		if !indexName(name) {
			return fmt.Errorf("index name %q: %w: want 1 to %d of a-z and _", name, ErrInvalid, maxName)
		}
		if len(value) > MaxIndexValue || !utf8.ValidString(value) || strings.Contains(value, "\x00") {
			return fmt.Errorf("index value %q: %w: want at most %d bytes of UTF-8 without NUL",
				name, ErrInvalid, MaxIndexValue)
		}
	}
	return nil
}

// Clone returns d as a driver keeps it: with an Index of its own, nil if it has
// no entries, and DeleteAfter in UTC cut to the microsecond.
func (d Document) Clone() Document {
	if len(d.Index) == 0 {
		d.Index = nil
	}
	d.Index = maps.Clone(d.Index)
	if !d.DeleteAfter.IsZero() {
		d.DeleteAfter = d.DeleteAfter.UTC().Truncate(time.Microsecond)
	}
	return d
}

// Equal reports whether d and e are the same to a driver.
func (d Document) Equal(e Document) bool {
	return d.Body == e.Body && maps.Equal(d.Index, e.Index) &&
		d.DeleteAfter.Truncate(time.Microsecond).Equal(e.DeleteAfter.Truncate(time.Microsecond))
}

// Check returns an error for which errors.Is(err, ErrInvalid) holds if no
// driver answers q.
func (q Query) Check() error {
	if !collection(q.Collection) {
		return fmt.Errorf("collection %q: %w: want 1 to %d lower-case letters", q.Collection, ErrInvalid, maxName)
	}
	if q.Field != "" && !indexName(q.Field) {
		return fmt.Errorf("query field %q: %w: want 1 to %d of a-z and _", q.Field, ErrInvalid, maxName)
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return fmt.Errorf("query limit %d: %w: want 1 to %d", q.Limit, ErrInvalid, MaxPage)
	}
	if q.After != "" {
		return checkID(q.After)
	}
	return nil
}
