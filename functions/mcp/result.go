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
	schema *jsonschema.Schema // nil if there is none to make
	wrap   bool               // values go into {"result": …}
}

// wrapped is the member that holds what is not an object.
const wrapped = "result"

// shapeOf works out how values of Out are shown. It panics if there is no schema for the
// type, as the SDK does; given is a schema by the author, which is kept.
func shapeOf[Out any](given any) shape {
	t := reflect.TypeFor[Out]()
	if s, ok := reflect.TypeAssert[shaped](reflect.Zero(t)); ok {
		t = s.valueType()
	}
	if t == nil || given != nil {
		return shape{}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Interface {
		return shape{wrap: true} // by what the value is
	}
	schema, err := jsonschema.ForType(t, inGo)
	if err != nil {
		panic(fmt.Errorf("output schema: %w", err))
	}
	if schema.Type == "object" {
		return shape{schema: schema}
	}
	return shape{wrap: true, schema: &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{wrapped: schema}, Required: []string{wrapped},
	}}
}

// inGo says what encoding/json makes of types that look like lists of numbers.
var inGo = &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[[]byte]():          {Type: "string", ContentEncoding: "base64"},
	reflect.TypeFor[json.RawMessage](): {},
}}

// inputSchema returns the schema of In's arguments, which the SDK would make without inGo. It
// is nil for an interface, of which the SDK takes any object. It panics as shapeOf does.
func inputSchema[In any]() any {
	t := reflect.TypeFor[In]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Interface {
		return nil
	}
	schema, err := jsonschema.ForType(t, inGo)
	if err != nil {
		panic(fmt.Errorf("input schema: %w", err))
	}
	return schema
}

// result returns what the SDK is to send. A nil pointer is the zero value.
func (s shape) result(out any) (*sdk.CallToolResult, any, error) {
	var beside Content
	if parts, ok := out.(shaped); ok {
		out, beside = parts.split()
	}
	if out == nil {
		return &sdk.CallToolResult{Content: beside}, nil, nil
	}
	if v := reflect.ValueOf(out); v.Kind() == reflect.Pointer && v.IsNil() {
		out = reflect.Zero(v.Type().Elem()).Interface()
	}
	if !s.wrap && beside == nil {
		return &sdk.CallToolResult{}, out, nil
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, nil, err
	}
	if s.wrap && (s.schema != nil || text[0] != '{') {
		if text, err = json.Marshal(map[string]json.RawMessage{wrapped: text}); err != nil {
			return nil, nil, err
		}
	}
	res := &sdk.CallToolResult{}
	if beside != nil {
		res.Content = append(Content{&sdk.TextContent{Text: string(text)}}, beside...)
	}
	return res, json.RawMessage(text), nil
}
