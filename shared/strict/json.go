package strict

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/oauth"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 32

// A JSONOption loosens [DecodeJSON].
type JSONOption int

// IgnoreUnknown accepts members that the destination does not have (RFC 7591
// §2: "the authorization server MUST ignore any client metadata … that it does
// not understand").
const IgnoreUnknown JSONOption = 1

// ReadJSON reads a request's JSON body into dst by the rules of [DecodeJSON]: media
// type exactly application/json, no query string. Errors are refusals of
// invalid_request.
func ReadJSON(r *http.Request, dst any, options ...JSONOption) error {
	if r.URL.RawQuery != "" {
		return oauth.Refuse(oauth.InvalidRequest, "this path takes no query string")
	}
	if err := CheckMediaType(r, "application/json"); err != nil {
		return err
	}
	b, err := body(r, 1<<20)
	if err != nil {
		return err
	}
	if err := DecodeJSON(b, dst, options...); err != nil {
		return oauth.Refuse(oauth.InvalidRequest, "the body: %s", err)
	}
	return nil
}

// DecodeJSON decodes one JSON value into dst, a pointer, and refuses what two
// parsers could read differently: bytes that are not UTF-8, lone surrogates,
// repeated members, members that differ from one of dst or from each other in
// case alone, anything after the value, nesting deeper than 32, null at the top.
// Numbers in an any are [json.Number]. The error's text is for the sender.
func DecodeJSON(data []byte, dst any, options ...JSONOption) error {
	if err := checkText(data); err != nil {
		return err
	}
	c := checker{dec: json.NewDecoder(bytes.NewReader(data))}
	c.dec.UseNumber()
	if err := c.value(reflect.TypeOf(dst), 0); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if len(options) == 0 {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(dst); err != nil {
		return describe(err)
	}
	return nil
}

// checkText checks what encoding/json would repair or leave unread.
func checkText(data []byte) error {
	switch {
	case !utf8.Valid(data):
		return errors.New("not UTF-8")
	case TooDeep(data):
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	case !json.Valid(data):
		return errors.New("not one JSON value")
	case loneSurrogate(data):
		return errors.New("an escape is half a character")
	case bytes.Equal(bytes.TrimSpace(data), []byte("null")):
		return errors.New("null instead of a value")
	}
	return nil
}

// describe says what was wrong without repeating what was sent.
func describe(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
		return fmt.Errorf("the member %s has the wrong type", t.Field)
	}
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		return errors.New("a member is not known here")
	}
	return errors.New("a value has the wrong type")
}

// TooDeep reports whether JSON nests deeper than [MaxDepth], without recursion, before
// anything that recurses looks at the text.
func TooDeep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// loneSurrogate reports whether valid JSON has a \u escape of half a character.
func loneSurrogate(data []byte) bool {
	for i := 0; i < len(data)-1; i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // at the escaped character
		if data[i] != 'u' {
			continue
		}
		unit := hex4(data[i+1:])
		i += 4
		switch {
		case unit >= 0xdc00 && unit <= 0xdfff:
			return true
		case unit >= 0xd800 && unit <= 0xdbff:
			next := data[i+1:]
			if len(next) < 6 || next[0] != '\\' || next[1] != 'u' {
				return true
			}
			if low := hex4(next[2:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

func hex4(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 32) // valid JSON has four digits
	return n
}

// A checker walks a value beside the type that it will be decoded into.
type checker struct{ dec *json.Decoder }

// value checks the next value against t, which is nil where the type is open.
func (c *checker) value(t reflect.Type, level int) error {
	tok, err := c.dec.Token()
	if err != nil {
		return errors.New("not one JSON value")
	}
	switch tok {
	case json.Delim('{'):
		return c.object(structure(t), level+1)
	case json.Delim('['):
		return c.array(structure(t), level+1)
	}
	return nil
}

func (c *checker) array(t reflect.Type, level int) error {
	var elem reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	for c.dec.More() {
		if err := c.value(elem, level); err != nil {
			return err
		}
	}
	_, _ = c.dec.Token() // the closing bracket of valid JSON
	return nil
}

func (c *checker) object(t reflect.Type, level int) error {
	members := fields(t)
	seen := map[string]bool{}
	for c.dec.More() {
		tok, _ := c.dec.Token()
		name, _ := tok.(string)
		if err := checkName(name, members, seen); err != nil {
			return err
		}
		seen[fold(name)] = true
		next := members[name]
		if t != nil && t.Kind() == reflect.Map {
			next = t.Elem()
		}
		if err := c.value(next, level); err != nil {
			return err
		}
	}
	_, _ = c.dec.Token()
	return nil
}

func checkName(name string, members map[string]reflect.Type, seen map[string]bool) error {
	if seen[fold(name)] {
		return errors.New("a member is repeated, or differs from another in case alone")
	}
	if _, ok := members[name]; ok {
		return nil
	}
	for m := range members {
		if strings.EqualFold(m, name) {
			return fmt.Errorf("a member must be written %s", m)
		}
	}
	return nil
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// structure strips pointers from t and returns nil for a type that decodes
// itself or is open.
func structure(t reflect.Type) reflect.Type {
	for t != nil {
		p := reflect.PointerTo(t)
		if t.Implements(unmarshaler) || p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return t
		}
		t = t.Elem()
	}
	return nil
}

// fields returns the members of a struct as encoding/json names them.
func fields(t reflect.Type) map[string]reflect.Type {
	members := map[string]reflect.Type{}
	if t == nil || t.Kind() != reflect.Struct {
		return members
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Tag.Get("json") == "-" || !f.IsExported() || f.Anonymous && name == "":
			continue
		case name == "":
			name = f.Name
		}
		members[name] = f.Type
	}
	return members
}

// fold maps s to one spelling of all that differ from it in case alone.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
