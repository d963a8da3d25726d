package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Headers that repeat arguments say what the arguments say, in whichever part a tool is (SEP-2243,
// MOD-12).
func TestHeadersRepeatArguments(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type":"object","properties":{
		"region":{"type":"string","x-mcp-header":"Region"},
		"deep":{"type":"object","properties":{"count":{"type":"integer","x-mcp-header":"Count"}}},
		"dry":{"type":"boolean","x-mcp-header":"Dry"},"anything":true}}`)
	ok := func(context.Context, Caller, map[string]any) (string, error) { return "done", nil }
	f := newEndpoint(t)
	f.serve(
		NewTool(sdk.Tool{Name: "typed", InputSchema: schema}, ok),
		Raw(func(s *sdk.Server) {
			s.AddTool(&sdk.Tool{Name: "raw", InputSchema: schema},
				func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
					return &sdk.CallToolResult{}, nil
				})
		}))
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	for _, c := range []struct {
		arguments, headers string
		refused            string // a part of the error
	}{
		{`{}`, "", ""},
		{`{"region":null}`, "", ""},
		{`{"region":"eu"}`, "Region: eu", ""},
		{`{"region":"größer"}`, "Region: =?base64?Z3LDtsOfZXI=?=", ""},
		{`{"region":"=?base64?ZXU="}`, "Region: =?base64?ZXU=", ""},
		{`{"deep":{"count":42}}`, "Count: 42.0", ""},
		{`{"dry":true}`, "Dry: true", ""},
		{`{"region":"eu"}`, "", `the header Mcp-Param-Region is missing`},
		{`{"region":"eu"}`, "Region: us", `does not have what the argument \"region\" has`},
		{`{"region":"eu"}`, "Region: =?base64?!?=", `does not have what`},
		{`{}`, "Region: eu", `is there, and the argument \"region\" is not`},
		{`{"deep":{"count":42}}`, "Count: 41", `the argument \"deep.count\" has`},
		{`{"deep":{"count":1.5}}`, "Count: 1.5", `does not have what`},
		{`{"deep":{"count":9007199254740993}}`, "Count: 9007199254740992", `does not have what`},
		{`{"region":{"a":1}}`, "Region: x", `does not have what`},
		{`{"dry":true}`, "Dry: false", `does not have what`},
	} {
		for _, tool := range []string{"typed", "raw"} {
			headers := []string{"Mcp-Protocol-Version", version20260728, "Mcp-Method", "tools/call", "Mcp-Name", tool}
			if name, value, found := strings.Cut(c.headers, ": "); found {
				headers = append(headers, "Mcp-Param-"+name, value)
			}
			w := do(h, request(t.Context(), token, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+
				tool+`","arguments":`+c.arguments+`,`+modernMeta+`}}`, headers...))
			switch body := w.Body.String(); {
			case c.refused == "" && w.Code != http.StatusOK:
				t.Errorf("%s %s with %q: got %d %s, want 200", tool, c.arguments, c.headers, w.Code, body)
			case c.refused != "" && (w.Code != http.StatusBadRequest || !strings.Contains(body, c.refused) ||
				!strings.Contains(body, "-32020")):
				t.Errorf("%s %s with %q: got %d %s, want 400, -32020 and %q",
					tool, c.arguments, c.headers, w.Code, body, c.refused)
			}
		}
	}
}

// What is not written as arguments are has none, to a header as to the tool (MP-03).
func TestAHeaderRepeatsNothingElse(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(NewTool(sdk.Tool{
		Name:        "typed",
		InputSchema: json.RawMessage(`{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"R"}}}`),
	}, func(context.Context, Caller, map[string]any) (string, error) { return "done", nil }))
	r := request(t.Context(), f.connect(t, "octocat", "Client", nil).token,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"typed",`+
			`"Arguments":{"r":"eu"},`+modernMeta+`}}`,
		"Mcp-Protocol-Version", version20260728, "Mcp-Method", "tools/call", "Mcp-Name", "typed", "Mcp-Param-R", "eu")
	if w := do(f.open(t), r); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "is there, and") {
		t.Errorf("got %d %s, want 400", w.Code, w.Body)
	}
}

// A header that is there twice means nothing that two readers would agree on.
func TestARepeatedHeaderIsRefused(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(echo("echo"))
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	for _, name := range []string{"Mcp-Method", "Mcp-Name", "Mcp-Param-Region"} {
		r := request(t.Context(), token, echoBody, "Mcp-Method", "tools/call", "Mcp-Name", "echo")
		r.Header[name] = []string{"a", "b"}
		if w := do(h, r); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), name+" is repeated") {
			t.Errorf("%s: got %d %s, want 400", name, w.Code, w.Body)
		}
	}
}
