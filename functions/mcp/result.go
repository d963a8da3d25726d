package mcp

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Result is a value with something to look at or listen to beside it. The schema of the
// tool's result is T's.
type Result[T any] struct {
	Value   T
	Content Content
}

// Content is pictures, audio, links, resources and text: sdk.ImageContent and the like. A
// tool that returns Content alone has no structured result.
type Content []sdk.Content

// shaped is what [Result] and [Content] have in common.
type shaped interface {
	valueType() reflect.Type // nil if there is no value
	split() (value any, beside Content)
}

func (Result[T]) valueType() reflect.Type { return reflect.TypeFor[T]() }
func (r Result[T]) split() (any, Content) { return r.Value, r.Content }
func (Content) valueType() reflect.Type   { return nil }
func (c Content) split() (any, Content)   { return nil, c }

// A shape is how the values of one type become results.
type shape struct {
	made   *jsonschema.Schema // of the type; nil if there is none to make
	schema schema             // that one, or the author's
	wrap   bool               // values go into {"result": …}
}

// wrapped is the member that holds what is not an object.
const wrapped = "result"

// shapeOf works out how values of Out are shown. It panics if there is no schema for the
// type, as the SDK does; given is a schema by the author, which is kept.
func shapeOf[Out any](given any) shape {
	s := shape{}
	t := reflect.TypeFor[Out]()
	if parts, ok := reflect.TypeAssert[shaped](reflect.Zero(t)); ok {
		t = parts.valueType()
	}
	if given == nil && t != nil {
		s.made, s.wrap = schemaOf(t)
	}
	if s.made != nil {
		given = s.made
	}
	if given == nil {
		return s
	}
	var err error
	if s.schema, err = newSchema(given); err != nil {
		panic(fmt.Errorf("output schema: %w", err))
	}
	return s
}

// schemaOf makes the schema of a type, of {"result": …} if values have to be wrapped. There is
// none of an interface, whose values are wrapped by what they are.
func schemaOf(t reflect.Type) (schema *jsonschema.Schema, wrap bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Interface {
		return nil, true
	}
	schema, err := jsonschema.ForType(t, inGo)
	if err != nil {
		panic(fmt.Errorf("output schema: %w", err))
	}
	if schema.Type == "object" {
		return schema, false
	}
	return &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{wrapped: schema}, Required: []string{wrapped},
	}, true
}

// inGo says what encoding/json makes of types that look like lists of numbers.
var inGo = &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[[]byte]():          {Type: "string", ContentEncoding: "base64"},
	reflect.TypeFor[json.RawMessage](): {},
}}

// inputSchema returns the schema of In's arguments; an interface takes any object. It panics
// as shapeOf does.
func inputSchema[In any]() *jsonschema.Schema {
	t := reflect.TypeFor[In]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Interface {
		return &jsonschema.Schema{Type: "object"}
	}
	schema, err := jsonschema.ForType(t, inGo)
	if err != nil {
		panic(fmt.Errorf("input schema: %w", err))
	}
	return schema
}

// result returns what the SDK is to send. A nil pointer is the zero value.
func (s shape) result(out any) (*sdk.CallToolResult, error) {
	var beside Content
	if parts, ok := out.(shaped); ok {
		out, beside = parts.split()
	}
	if out == nil {
		return &sdk.CallToolResult{Content: beside}, nil
	}
	if v := reflect.ValueOf(out); v.Kind() == reflect.Pointer && v.IsNil() {
		out = reflect.Zero(v.Type().Elem()).Interface()
	}
	text, err := json.Marshal(out)
	if err == nil && s.wrap && (s.made != nil || text[0] != '{') {
		text, err = json.Marshal(map[string]json.RawMessage{wrapped: text})
	}
	if err != nil {
		return nil, err
	}
	structured, err := s.schema.fill(text)
	if err != nil {
		return nil, fmt.Errorf("the result is not what its schema says: %w", err)
	}
	return &sdk.CallToolResult{
		StructuredContent: structured,
		Content:           append(Content{&sdk.TextContent{Text: string(structured)}}, beside...),
	}, nil
}
