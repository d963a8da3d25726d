package mcp

import (
	"context"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A revision that the author left out is none, in whichever era it is (MP-02).
func TestARevisionThatTheAuthorLeftOutIsRefused(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Describe = func(Deps) Server {
		return Server{
			Name: "test", Version: "1", Parts: []Part{echo("echo")},
			Options: sdk.ServerOptions{SupportedProtocolVersions: []string{"2025-11-25"}},
		}
	}
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	for version, want := range map[string]int{"2025-11-25": http.StatusOK, "2025-06-18": http.StatusBadRequest,
		version20260728: http.StatusBadRequest} {
		w := do(h, request(t.Context(), token, echoBody, "Mcp-Protocol-Version", version))
		if w.Code != want {
			t.Errorf("%s: got %d %s, want %d", version, w.Code, w.Body, want)
		}
		if want != http.StatusOK && !strings.Contains(w.Body.String(), `"supported":["2025-11-25"]`) {
			t.Errorf("%s: got %s, want the revision that there is", version, w.Body)
		}
	}
}

// What a part sends when its request is over goes nowhere, and harms nobody.
func TestWhatComesTooLateIsDropped(t *testing.T) {
	t.Parallel()
	late := make(chan func() error, 1)
	f := newEndpoint(t)
	f.serve(Raw(func(s *sdk.Server) {
		sdk.AddTool(s, &sdk.Tool{Name: "late"},
			func(ctx context.Context, req *sdk.CallToolRequest, _ None) (*sdk.CallToolResult, any, error) {
				late <- func() error {
					return req.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "error", Data: "too late"})
				}
				return nil, None{}, nil
			})
	}))
	w := do(f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, callTool("late")))
	before := w.Body.String()
	if err := (<-late)(); err == nil {
		t.Error("got no error, want one: nobody was told")
	}
	if got := w.Body.String(); w.Code != http.StatusOK || got != before {
		t.Errorf("got %d %s, want %s alone", w.Code, got, before)
	}
}

// A batch has an answer for each request under its own id, as it was written, whatever becomes of
// the others (JSON-RPC 2.0 §6).
func TestABatchAnswersEachRequest(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(echo("echo"))
	w := do(f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token,
		`[{"jsonrpc":"2.0","id":"\u0061","method":"ping"},{"jsonrpc":"2.0","id":7,"method":"no/such"},`+
			`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}},`+
			`{"jsonrpc":"2.0","id":"7","method":"tools/call"}]`))
	for _, want := range []string{
		`"id":"\u0061","result":{}`, `"id":7,"error":{"code":-32601,"message":"no such method"}`,
		`"id":"7","error":{"code":-32600,`,
	} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
		}
	}
}

// The answers of a batch stand in the order of its requests, whichever is there first.
func TestABatchKeepsItsOrder(t *testing.T) {
	t.Parallel()
	second := make(chan bool)
	f := newEndpoint(t)
	f.serve(
		NewTool(sdk.Tool{Name: "first"}, func(context.Context, Caller, None) (string, error) {
			<-second
			return "one", nil
		}),
		NewTool(sdk.Tool{Name: "second"}, func(context.Context, Caller, None) (string, error) {
			close(second)
			return "two", nil
		}))
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"first","arguments":{}}}`
	again := strings.Replace(strings.Replace(call, "first", "second", 1), `"id":1`, `"id":2`, 1)
	w := do(f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, "["+call+","+again+"]"))
	body := w.Body.String()
	if one, two := strings.Index(body, `"id":1`), strings.Index(body, `"id":2`); one < 0 || one > two {
		t.Errorf("got %d %s, want the answer to 1 and then that to 2", w.Code, body)
	}
}
