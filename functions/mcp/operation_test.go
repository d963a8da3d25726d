package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/store"
)

// linesOf returns the lines of that message, with the fields of keys that they have.
func (f *endpoint) linesOf(t *testing.T, message string, keys ...string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.Lines(f.Lines.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if line["message"] != message && line["msg"] != message {
			continue
		}
		some := map[string]any{}
		for _, k := range keys {
			if v, ok := line[k]; ok {
				some[k] = v
			}
		}
		found = append(found, some)
	}
	return found
}

type fields = map[string]any

// fine is a tool that has nothing to say.
var fine = NewTool(sdk.Tool{Name: "fine"}, func(context.Context, Caller, None) (text, error) { return text{}, nil })

func callOf(name string) string { return strings.Replace(whoAmI, "whoami", name, 1) }

// The request's one line says what was called, by whom and how it ended; the client's texts
// in it are cut and escaped (MP-14).
func TestACallHasOneLine(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, Caller, None) (text, error) { return text{}, Problem("no") }
	panicking := func(context.Context, Caller, None) (text, error) { panic("secret") }
	read := func(_ context.Context, _ Caller, uri string) (*sdk.ResourceContents, error) {
		return &sdk.ResourceContents{URI: uri, Text: "one"}, nil
	}
	const get = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"notes://me:pw@one?token=canary#x"}}`
	tests := map[string]struct {
		body   string
		status int
		want   fields
	}{
		"ok": {callOf("fine"), 200, fields{"mcp_method": "tools/call", "tool": "fine", "outcome": "ok"}},
		"a stream": {
			strings.Replace(callOf("fine"), `"arguments"`, `"_meta":{"progressToken":1},"arguments"`, 1), 200,
			fields{"mcp_method": "tools/call", "tool": "fine", "outcome": "ok"},
		},
		"tool error": {callOf("failing"), 200, fields{
			"mcp_method": "tools/call", "tool": "failing", "outcome": "tool_error",
		}},
		"panic": {callOf("panicking"), 200, fields{
			"mcp_method": "tools/call", "tool": "panicking", "outcome": "panic",
		}},
		"unknown tool": {callOf(strings.Repeat("x", 99) + `\n`), 200, fields{
			"mcp_method": "tools/call", "tool": strings.Repeat("x", 64), "outcome": "protocol_error", "error": -32602.,
		}},
		"unknown method": {strings.Replace(listTools, "tools/list", "no/such", 1), 200, fields{
			"mcp_method": "no/such", "outcome": "protocol_error", "error": -32601.,
		}},
		"not a message": {`{"jsonrpc":"2.0"}`, 400, fields{"outcome": "protocol_error", "error": -32600.}},
		"scope": {callOf("guarded"), 403, fields{
			"mcp_method": "tools/call", "tool": "guarded", "outcome": "refused", "error": "insufficient_scope",
		}},
		"prompt": {
			`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"hello"}}`, 200,
			fields{"mcp_method": "prompts/get", "prompt": "hello", "outcome": "protocol_error", "error": -32602.},
		},
		"resource": {get, 200, fields{"mcp_method": "resources/read", "resource": "notes://one", "outcome": "ok"}},
		"notification": {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, fields{
			"mcp_method": "notifications/initialized", "outcome": "ok",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newEndpoint(t)
			f.Log = f.Lines.Logger()
			f.Edge.Log = f.Log
			f.serve(fine, NewTool(sdk.Tool{Name: "failing"}, failing), NewTool(sdk.Tool{Name: "panicking"}, panicking),
				NewTool(sdk.Tool{Name: "guarded"}, failing).Needs("write"),
				NewTemplate(sdk.ResourceTemplate{Name: "notes", URITemplate: "notes://{+rest}"}, read))
			c := f.connect(t, "octocat", "Client", nil)
			mustCode(t, f.open(t), request(t.Context(), c.token, tt.body), tt.status)
			tt.want["client_id"], tt.want["person"] = c.Grant.ClientID, store.PersonDocument("development:octocat")
			got := f.linesOf(t, "POST /mcp",
				"mcp_method", "tool", "prompt", "resource", "outcome", "error", "client_id", "person")
			if diff := cmp.Diff([]fields{tt.want}, got); diff != "" {
				t.Error(diff)
			}
			if log := f.Lines.String(); strings.Contains(log, "octocat") || strings.Contains(log, "canary") {
				t.Errorf("got %s, want neither a login nor a query", log)
			}
		})
	}
}

// Each message of a batch has a line of its own (2025-03-26).
func TestEachMessageOfABatchHasALine(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Log = f.Lines.Logger()
	f.Edge.Log = f.Log
	f.serve(fine)
	c := f.connect(t, "octocat", "Client", nil)
	body := "[" + callOf("fine") + "," + strings.Replace(callOf("none"), `"id":1`, `"id":"b"`, 1) + "]"
	mustCode(t, f.open(t), request(t.Context(), c.token, body), http.StatusOK)
	person := store.PersonDocument("development:octocat")
	want := []fields{
		{"mcp_method": "tools/call", "tool": "fine", "outcome": "ok", "person": person},
		{"mcp_method": "tools/call", "tool": "none", "outcome": "protocol_error", "error": -32602., "person": person},
	}
	got := f.linesOf(t, "call of a batch", "mcp_method", "tool", "outcome", "error", "person")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := f.linesOf(t, "POST /mcp", "mcp_messages"); len(got) != 1 || got[0]["mcp_messages"] != 2. {
		t.Errorf("got %v, want one line of two messages", got)
	}
}

// A call of the server behind is told by what that server answered.
func TestAForwardedCallHasOneLine(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]fields{
		`{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":false}}`: {"outcome": "ok"},
		`{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}`:  {"outcome": "tool_error"},
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m"}}`: {
			"outcome": "protocol_error", "error": -32000.,
		},
		"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"isError\":true}}\n\n": {
			"outcome": "tool_error",
		},
		": nothing\n\n":      {"outcome": "unanswered"},
		"session not found":  {"outcome": "refused"},
		`{"jsonrpc":"2.0"}`:  {"outcome": "fault"},
		"data: {\"id\":1,\n": {"outcome": "unanswered"},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			f := newEndpoint(t)
			f.Log = f.Lines.Logger()
			f.Edge.Log = f.Log
			_, at := f.standBehind(t, func(w http.ResponseWriter, _ *http.Request) {
				switch answer[0] {
				case '{':
					w.Header().Set("Content-Type", "application/json")
				case 's':
					w.Header().Set("Content-Type", "text/plain")
					w.WriteHeader(http.StatusNotFound)
				default:
					w.Header().Set("Content-Type", "text/event-stream")
				}
				_, _ = w.Write([]byte(answer))
			})
			c := f.connect(t, "octocat", "Client", nil)
			do(f.open(t), request(t.Context(), c.token, whoAmI))
			want["mcp_method"], want["tool"], want["upstream"] = "tools/call", "whoami", nameOf(at)
			want["client_id"], want["person"] = c.Grant.ClientID, store.PersonDocument("development:octocat")
			got := f.linesOf(t, "POST /mcp",
				"mcp_method", "tool", "upstream", "outcome", "error", "client_id", "person")
			if diff := cmp.Diff([]fields{want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A caller who leaves before the answer is gone, and no fault.
func TestACallerWhoLeavesIsGone(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Log = f.Lines.Logger()
	f.Edge.Log = f.Log
	ctx, cancel := context.WithCancel(t.Context())
	f.standBehind(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := f.connect(t, "octocat", "Client", nil)
	do(f.open(t), request(ctx, c.token, whoAmI))
	want := []fields{{"tool": "whoami", "outcome": "gone", "level": "INFO"}}
	if diff := cmp.Diff(want, f.linesOf(t, "POST /mcp", "tool", "outcome", "level")); diff != "" {
		t.Error(diff)
	}
}
