package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Arguments are what the schema says, with its values for those that are absent; a member that
// the schema knows in other letters is not that argument (MP-03).
func TestArgumentsAreWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	type input struct {
		Path string `json:"path"`
		Size int    `json:"size,omitempty"`
		More int64  `json:"more,omitempty"`
	}
	schema := json.RawMessage(`{"type":"object",
		"properties":{"path":{"type":"string","pattern":"^[a-z]*$"},"size":{"type":"integer","default":3}}}`)
	f := newEndpoint(t)
	f.serve(
		NewTool(sdk.Tool{Name: "given", InputSchema: schema},
			func(_ context.Context, _ Caller, in input) (input, error) { return in, nil }),
		NewTool(sdk.Tool{Name: "made"},
			func(_ context.Context, _ Caller, in input) (input, error) { return in, nil }))
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	for _, c := range []struct{ tool, arguments, want string }{
		{"given", `{"path":"a"}`, `"structuredContent":{"path":"a","size":3}`},
		{"given", `{"path":"a","size":4}`, `"structuredContent":{"path":"a","size":4}`},
		{"given", `null`, `"structuredContent":{"path":"","size":3}`},
		{"given", `{"PATH":"../etc"}`, `"structuredContent":{"path":"","size":3}`},
		{"given", `{"path":"../etc"}`, `"isError":true`},
		{"made", `{"path":"a"}`, `"structuredContent":{"path":"a"}`},
		{"made", `{"path":"a","size":4.0}`, `"structuredContent":{"path":"a","size":4}`},
		{"made", `{"path":"a","size":4e2}`, `"structuredContent":{"path":"a","size":400}`},
		{"given", `{"path":"","more":9007199254740993}`, `{"path":"","size":3,"more":9007199254740993}`},
		{"made", `{"path":null}`, `type: null has type`},
		{"made", `{}`, `"isError":true`},
		{"made", `{"path":7}`, `"isError":true`},
		{"made", `{"path":"a","other":1}`, `"isError":true`},
	} {
		w := do(h, request(t.Context(), token, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+
			c.tool+`","arguments":`+c.arguments+`}}`))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %s", c.tool, c.arguments, w.Code, w.Body, c.want)
		}
	}
}

// A result that is not what the author's schema says is a failure, and not told as a result.
func TestAResultIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(NewTool(sdk.Tool{
		Name: "number", OutputSchema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}}}`),
	}, func(context.Context, Caller, None) (map[string]any, error) { return map[string]any{"n": "many"}, nil }))
	w := do(f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, callTool("number")))
	if body := w.Body.String(); !strings.Contains(body, `"isError":true`) || strings.Contains(body, "many") {
		t.Errorf("got %d %s, want a tool's error without the value", w.Code, body)
	}
}
