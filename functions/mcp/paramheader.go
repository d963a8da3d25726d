package mcp

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A paramHeader is a header that repeats an argument of a tool, which its schema says by
// x-mcp-header (SEP-2243).
type paramHeader struct {
	name string
	path []string // the argument; below the first, members of objects
}

// paramHeaders returns those of an input schema, of whatever type it is.
func paramHeaders(schema any) []paramHeader {
	text, err := json.Marshal(schema)
	if err != nil || !strings.Contains(string(text), "x-mcp-header") {
		return nil
	}
	return headersBelow(text, nil)
}

// headersBelow returns those of the schema of the argument at a path. One that is no object,
// true or false, says nothing.
func headersBelow(schema json.RawMessage, path []string) (all []paramHeader) {
	var s struct {
		Header     json.RawMessage            `json:"x-mcp-header"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return nil
	}
	if header := unquote(s.Header); header != "" && len(path) > 0 {
		all = append(all, paramHeader{name: "Mcp-Param-" + header, path: path})
	}
	for name, below := range s.Properties {
		all = append(all, headersBelow(below, slices.Concat(path, []string{name}))...)
	}
	return all
}

// checkParams refuses headers that do not say what the arguments say.
func checkParams(h http.Header, headers []paramHeader, params []byte) *problem {
	if len(headers) == 0 {
		return nil
	}
	var body struct {
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := decode(params, &body); err != nil {
		return nil // which the SDK refuses in its own words
	}
	for _, p := range headers {
		if problem := p.check(h, p.argument(body.Arguments)); problem != nil {
			return problem
		}
	}
	return nil
}

// argument returns the text of the argument; nil is absent, as null is.
func (p paramHeader) argument(arguments json.RawMessage) json.RawMessage {
	value := arguments
	for _, name := range p.path {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return nil
		}
		value = object[name]
	}
	if string(value) == "null" {
		return nil
	}
	return value
}

func (p paramHeader) check(h http.Header, argument json.RawMessage) *problem {
	value, path := h.Get(p.name), strings.Join(p.path, ".")
	if argument == nil {
		if value != "" {
			return mismatch("the header %s is there, and the argument %q is not", p.name, path)
		}
		return nil
	}
	if value == "" {
		return mismatch("the header %s is missing, which repeats the argument %q", p.name, path)
	}
	if meant, ok := decodeHeader(value); !ok || !says(meant, argument) {
		return mismatch("the header %s does not have what the argument %q has", p.name, path)
	}
	return nil
}

// says reports whether a header's value is a text, a truth value or an integer. Numbers are
// compared as such: 42.0 is 42.
func says(value string, argument json.RawMessage) bool {
	switch argument[0] {
	case '"':
		return value == unquote(argument)
	case 't', 'f':
		return value == string(argument)
	case '{', '[':
		return false
	}
	want, err := strconv.ParseFloat(string(argument), 64)
	got, wrong := strconv.ParseFloat(value, 64)
	return err == nil && wrong == nil && got == want && whole(want)
}
