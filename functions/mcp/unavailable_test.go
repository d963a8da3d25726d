package mcp

import (
	"context"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A part that speaks for a server that cannot answer comes to an error under the request's
// id, with the status of a gateway, and to a line that says why (MP-20). In a batch the other
// answers count, and a stream has its status already.
func TestAnUnavailableServerIsAGatewaysError(t *testing.T) {
	t.Parallel()
	const text = "the server behind this one takes too long"
	f := newEndpoint(t)
	f.Log = f.Lines.Logger()
	f.Edge.Log = f.Log
	gone := &Unavailable{Status: http.StatusGatewayTimeout, Text: text}
	f.serve(
		NewTool(sdk.Tool{Name: "slow"}, func(context.Context, Caller, None) (string, error) { return "", gone }),
		NewTool(sdk.Tool{Name: "told"}, func(ctx context.Context, _ Caller, _ None) (string, error) {
			return "", errorAfterProgress(ctx, gone)
		}),
		NewResource(sdk.Resource{Name: "page", URI: "wiki://page"},
			func(context.Context, Caller) (*sdk.ResourceContents, error) { return nil, gone }),
	)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	slow := `{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"slow","arguments":{}}}`
	read := `{"jsonrpc":"2.0","id":"x","method":"resources/read","params":{"uri":"wiki://page"}}`
	for _, body := range []string{slow, read} {
		a := answerOf(t, mustCode(t, h, request(t.Context(), token, body), http.StatusGatewayTimeout).Body)
		if string(a.ID) != `"x"` || a.Error == nil || a.Error.Code != -32603 || a.Error.Message != text {
			t.Errorf("%s: got %+v, want an error under the id", body, a)
		}
	}
	line := f.Lines.String()
	for _, want := range []string{`"outcome":"fault"`, `"cause":"` + text + `"`, `"status":504`, `"tool":"slow"`} {
		if !strings.Contains(line, want) {
			t.Errorf("log: got %s, want %s in it", line, want)
		}
	}
	mustCode(t, h, request(t.Context(), token, "["+slow+","+listTools+"]", "Mcp-Protocol-Version", "2025-03-26"),
		http.StatusOK)
	w := mustCode(t, h, request(t.Context(), token, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+
		`{"name":"told","arguments":{},"_meta":{"progressToken":1}}}`), http.StatusOK)
	if !strings.Contains(w.Body.String(), text) {
		t.Errorf("a stream: got %s, want the error in it", w.Body)
	}
}

func errorAfterProgress(ctx context.Context, err error) error {
	Progress(ctx, 1, 2, "half")
	return err
}
