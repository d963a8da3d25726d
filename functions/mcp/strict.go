package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/strict"
)

// manyMembers is from where on an object's members are looked up and not compared.
const manyMembers = 32

// A field is a member that is read: the text of its value goes to the place at, and of its
// own members those in below are read.
type field struct {
	name  string
	at    place
	below []field
}

// readStrict checks JSON by the rules of [strict.DecodeJSON] and reads fields of the object
// it is, or of each object in the array. It is for a path where reflection would cost
// more than everything else of ours together; a fuzz test holds the two side by side.
//
// each is told after every object, with its text and what was found.
func readStrict(data []byte, fields []field, each func(text []byte, found *places)) error {
	switch {
	case !utf8.Valid(data):
		return errors.New("not UTF-8")
	case strict.TooDeep(data):
		return errors.New("nested deeper than " + strconv.Itoa(strict.MaxDepth))
	case !json.Valid(data):
		return errors.New("not one JSON value")
	}
	w := walker{data: data}
	w.keys = w.few[:0]
	w.space()
	switch data[w.at] {
	case '{':
		each(w.value(fields), &w.found)
	case '[':
		w.array(fields, each)
	default:
		w.fail("want an object")
	}
	return w.err
}

// A walker goes through JSON that is known to be valid, so it looks only for what is
// valid and still has two meanings. After an error it must not be used.
type walker struct {
	data  []byte
	at    int
	found places
	keys  [][]byte   // members of the objects under way, folded; a stack
	few   [16][]byte // where they are while they are few
	err   error
}

func (w *walker) fail(why string) {
	if w.err == nil {
		w.err = errors.New(why)
	}
}

func (w *walker) space() {
	for w.at < len(w.data) && w.data[w.at] <= ' ' {
		w.at++
	}
}

// value returns the text of the next value.
func (w *walker) value(fields []field) []byte {
	w.space()
	start := w.at
	switch w.data[w.at] {
	case '{':
		w.object(fields)
	case '[':
		w.array(nil, func([]byte, *places) {})
	case '"':
		w.text()
	default: // a number or a word
		for w.at < len(w.data) && !strings.ContainsRune(" \t\r\n,]}", rune(w.data[w.at])) {
			w.at++
		}
	}
	return w.data[start:w.at]
}

// next moves to the next element and reports whether there is one before end.
func (w *walker) next(end byte) bool {
	w.space()
	if w.data[w.at] == ',' {
		w.at++
		w.space()
	}
	if w.data[w.at] == end {
		w.at++
		return false
	}
	return true
}

func (w *walker) array(fields []field, each func([]byte, *places)) {
	w.at++
	for w.err == nil && w.next(']') {
		if fields != nil && w.data[w.at] != '{' {
			w.fail("want objects in the array")
			return
		}
		each(w.value(fields), &w.found)
	}
}

func (w *walker) object(fields []field) {
	w.at++
	bottom := len(w.keys)
	var many map[string]bool
	for w.err == nil && w.next('}') {
		key := w.key()
		w.space()
		w.at++ // the colon
		folded := fold(key)
		many = w.once(folded, bottom, many)
		if f := w.match(fields, key, folded); f != nil {
			raw := w.value(f.below)
			w.found[f.at] = raw
			if f.below != nil && raw[0] != '{' && raw[0] != 'n' {
				w.fail("the member " + f.name + " has the wrong type")
			}
			continue
		}
		w.value(nil)
	}
	w.keys = w.keys[:bottom]
}

// once refuses a member that the object has already.
func (w *walker) once(folded []byte, bottom int, many map[string]bool) map[string]bool {
	const again = "a member is repeated, or differs from another in case alone"
	if many == nil && len(w.keys)-bottom >= manyMembers {
		many = map[string]bool{}
		for _, k := range w.keys[bottom:] {
			many[string(k)] = true
		}
	}
	if many != nil {
		if many[string(folded)] {
			w.fail(again)
		}
		many[string(folded)] = true
		return many
	}
	for _, k := range w.keys[bottom:] {
		if bytes.Equal(k, folded) {
			w.fail(again)
		}
	}
	w.keys = append(w.keys, folded)
	return nil
}

// match returns the field of that name, and refuses a name that a careless reader
// takes for one.
func (w *walker) match(fields []field, key, folded []byte) *field {
	for i := range fields {
		if string(key) == fields[i].name {
			return &fields[i]
		}
	}
	for i := range fields {
		if bytes.Equal(folded, fold([]byte(fields[i].name))) {
			w.fail("a member must be written " + fields[i].name)
		}
	}
	return nil
}

// key returns the name of a member as it is meant.
func (w *walker) key() []byte {
	raw := w.text()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return []byte(unquote(raw))
}

// text returns the next string as it is written, quotes and all.
func (w *walker) text() []byte {
	start := w.at
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] != '\\' {
			continue
		}
		if w.at++; w.data[w.at] == 'u' {
			w.unit()
		}
	}
	w.at++
	return w.data[start:w.at]
}

// unit passes the rest of a \u escape, which must not be half a character.
func (w *walker) unit() {
	hex := func(at int) uint64 {
		n, _ := strconv.ParseUint(string(w.data[at:at+4]), 16, 32) // there are four digits
		return n
	}
	u := hex(w.at + 1)
	w.at += 4
	switch {
	case u < 0xd800 || u > 0xdfff:
		return
	case u <= 0xdbff && w.data[w.at+1] == '\\' && w.data[w.at+2] == 'u':
		if low := hex(w.at + 3); low >= 0xdc00 && low <= 0xdfff {
			w.at += 6
			return
		}
	}
	w.fail("an escape is half a character")
}

// words are what many messages have, and nobody needs a copy of.
var words = func() map[string]string {
	all := map[string]string{"2.0": "2.0"}
	for _, m := range methods {
		all[m] = m
	}
	return all
}()

// unquote returns what a JSON string means; "" if raw is not one.
func unquote(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		if word, ok := words[string(raw[1:len(raw)-1])]; ok {
			return word
		}
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is a valid string
	return s
}

// fold returns one spelling for all that differ in case alone.
func fold(key []byte) []byte {
	for _, c := range key {
		if 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return []byte(strings.ToLower(strings.ToUpper(string(key))))
		}
	}
	return key
}
