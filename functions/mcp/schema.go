package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

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
// Nothing is an empty object where the schema is one of objects.
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
	filled := false
	if value == nil && s.resolved.Schema().Type == "object" {
		value, filled = map[string]any{}, true
	}
	if _, object := value.(map[string]any); object && s.defaults {
		if err := s.resolved.ApplyDefaults(&value); err != nil {
			return nil, err
		}
		filled = true
	}
	if err := s.resolved.Validate(value); err != nil {
		return nil, err
	}
	if !filled {
		return text, nil
	}
	return json.Marshal(value)
}

// read checks arguments and decodes them.
func (s schema) read(arguments json.RawMessage, in any) error {
	text, err := s.fill(arguments)
	if err != nil {
		return fmt.Errorf("validating \"arguments\": %w", err)
	}
	return decode(text, in)
}

// decode takes members by their exact names alone: one that the schema does not know by that
// name was not checked.
func decode(text []byte, value any) error {
	rest, err := segmentio.Parse(text, value, segmentio.DontMatchCaseInsensitiveStructFields)
	if err == nil && len(rest) > 0 {
		err = errors.New("there is more than one value")
	}
	return err
}
