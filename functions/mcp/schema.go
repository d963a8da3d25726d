package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	segmentio "github.com/segmentio/encoding/json"
)

// A schema checks arguments or results. The zero schema takes everything.
//
// It does what the SDK does for a typed tool, whose decoder takes a buffer of 32 KiB for each of
// the four texts that a call parses (docs/upstream).
type schema struct {
	resolved *jsonschema.Resolved
	defaults bool // it may have values for members that are absent
}

// newSchema reads a schema of whatever type an author gave it.
func newSchema(given any) (schema, error) {
	text, err := json.Marshal(given)
	if err != nil {
		return schema{}, err
	}
	s, ok := given.(*jsonschema.Schema)
	if !ok {
		if err := json.Unmarshal(text, &s); err != nil {
			return schema{}, err
		}
	}
	if s == nil {
		return schema{}, errors.New("it is nil")
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	return schema{resolved: resolved, defaults: bytes.Contains(text, []byte(`"default"`))}, err
}

// fill checks a text of JSON, and returns it with the members that the schema has values for.
// Nothing is an empty object where the schema is one of objects. It is checked as numbers are
// compared everywhere, and passed on with every digit.
func (s schema) fill(text json.RawMessage) (json.RawMessage, error) {
	if s.resolved == nil {
		return text, nil
	}
	var value any
	if len(text) > 0 {
		if err := decode(text, &value); err != nil {
			return nil, err
		}
	}
	if value == nil && s.resolved.Schema().Type == "object" {
		value, text = map[string]any{}, json.RawMessage("{}")
	}
	_, object := value.(map[string]any)
	if !object || !s.defaults {
		return text, s.resolved.Validate(value)
	}
	exact, err := numbers(text)
	if err == nil {
		err = errors.Join(s.resolved.ApplyDefaults(&value), s.resolved.ApplyDefaults(&exact))
	}
	if err == nil {
		err = s.resolved.Validate(value)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(exact)
}

// read checks arguments and decodes them. What is an integer to the schema is one to Go too,
// however it is written.
func (s schema) read(arguments json.RawMessage, in any) error {
	text, err := s.fill(arguments)
	if err != nil { // it says null in words of Go
		why := strings.ReplaceAll(err.Error(), "<invalid reflect.Value>", "null")
		return errors.New(`validating "arguments": ` + why)
	}
	err = decode(text, in)
	if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); !wrong {
		return err
	}
	exact, err := numbers(text)
	if err != nil {
		return err
	}
	if text, err = json.Marshal(exact); err != nil {
		return err
	}
	return decode(text, in)
}

// numbers returns what a text of JSON has, with every digit of its numbers. Integers that are
// written in another way, 1.0 or 1e3, become plain ones (JSON Schema 2020-12, Core §4.2.3).
func numbers(text []byte) (any, error) {
	var value any
	_, err := segmentio.Parse(text, &value, segmentio.UseNumber)
	return integers(value), err
}

func integers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			v[name] = integers(below)
		}
	case []any:
		for i, below := range v {
			v[i] = integers(below)
		}
	case json.Number:
		if n, err := v.Float64(); err == nil && whole(n) {
			return int64(n)
		}
	}
	return value
}

// whole reports whether a number is an integer that every reader of JSON has exactly.
func whole(n float64) bool { return n == math.Trunc(n) && math.Abs(n) <= maxInteger }

// decode takes members by their exact names alone: one that the schema does not know by that
// name was not checked.
func decode(text []byte, value any) error {
	rest, err := segmentio.Parse(text, value, segmentio.DontMatchCaseInsensitiveStructFields)
	if err == nil && len(rest) > 0 {
		err = errors.New("there is more than one value")
	}
	return err
}
