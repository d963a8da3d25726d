package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/postern-dev/postern/functions/mcp/proxy"
)

// maxEvent is the largest event that is looked at, in bytes, as large as an answer may be
// that is not a stream.
const maxEvent = 16 << 20

// filter takes out of an answer what is not there for the caller. A stream goes on event by
// event. Lists are known by their members, not by the request, since a stream may be a
// repetition of an earlier one.
func (s sight) filter(res *http.Response, stream bool) error {
	if !s.on {
		return nil
	}
	if stream {
		res.Body = newSifted(res.Body, s.sift)
		return nil
	}
	body, err := io.ReadAll(res.Body) // it is in memory
	if err != nil {
		return err
	}
	if json.Valid(body) {
		var kept bool
		if body, kept = s.sift(body); !kept {
			return &proxy.Fault{Status: http.StatusBadGateway, Text: "the server behind this one answered by a notice"}
		}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("Content-Length")
	return nil
}

// sift returns a message, or a list of them, without what is not there for the caller. kept
// is false if nothing is left of it. What is no JSON could still be read by a client that is
// less strict, so that nothing is left of it either; an event without a message stays.
func (s sight) sift(text []byte) (out []byte, kept bool) {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && !json.Valid(text) {
		return nil, false
	}
	if bytes.HasPrefix(text, []byte("[")) {
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil {
			return text, true
		}
		var left []json.RawMessage
		for _, one := range list {
			if one, kept := s.siftOne(one); kept {
				left = append(left, one)
			}
		}
		return encoded(left), len(left) > 0
	}
	return s.siftOne(text)
}

func (s sight) siftOne(text json.RawMessage) (json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(text, &m) != nil {
		return text, true
	}
	if unquote(m["method"]) == "notifications/resources/updated" {
		var p params
		resource := s.resource(nil)
		if json.Unmarshal(m["params"], &p) == nil {
			resource = s.resource(p.URI)
		}
		return text, len(resource.names) > 0 && s.sees(resource.mesh, resource.names...)
	}
	var result map[string]json.RawMessage
	if json.Unmarshal(m["result"], &result) != nil || !s.siftLists(result) {
		return text, true
	}
	m["result"] = encoded(result)
	return encoded(m), true
}

// An item is what a list has of a tool, prompt, resource or template.
type item struct {
	Name        *string `json:"name"`
	URI         *string `json:"uri"`
	URITemplate *string `json:"uriTemplate"`
}

// siftLists takes out of the lists of a result what is not there, and reports whether it has
// one. What cannot be read is taken out as well.
func (s sight) siftLists(result map[string]json.RawMessage) (changed bool) {
	for member, mentioned := range map[string]func(item) mention{
		"tools":             func(i item) mention { return s.tool(i.Name) },
		"prompts":           func(i item) mention { return s.prompt(i.Name) },
		"resources":         func(i item) mention { return s.resource(i.URI) },
		"resourceTemplates": func(i item) mention { return s.template(i.URITemplate) },
	} {
		var list []json.RawMessage
		if result[member] == nil {
			continue
		}
		left := []json.RawMessage{}
		_ = json.Unmarshal(result[member], &list) // of what is no list nothing is left
		for _, text := range list {
			var i item
			_ = json.Unmarshal(text, &i)
			if m := mentioned(i); len(m.names) > 0 && s.sees(m.mesh, m.names...) {
				left = append(left, text)
			}
		}
		result[member], changed = encoded(left), true
	}
	return changed
}

// encoded returns JSON of what was JSON.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // its parts were read from JSON
	return bytes.TrimSpace(b.Bytes())
}
