package mcp

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/kit/benchtest"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	echoParams = `{"name":"echo","arguments":{"text":"hello"}}`
	echoBody   = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + echoParams + `}`
)

// bare is the SDK's server with the same tool and nothing else.
func bare() http.Handler {
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, nil)
	say := func(_ context.Context, _ *sdk.CallToolRequest, in text) (*sdk.CallToolResult, text, error) {
		return nil, text{"octocat: " + in.Text}, nil
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo"}, say)
	return sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

// BenchmarkToolCall compares a tool call with a valid token with one of the bare SDK
// server, both over loopback in one run (speed budget: at least 0.90 times its rate, so
// at most 1.11x its time) and, more strictly, without a network.
func BenchmarkToolCall(b *testing.B) {
	f := newEndpoint(b)
	f.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	f.serve(echo("echo"))
	ours, theirs := f.open(b), bare()
	token := f.connect(b, "octocat", "Client", nil).token
	b.Run("loopback", func(b *testing.B) {
		benchtest.Ratio(b, overLoopback(b, ours, token), overLoopback(b, theirs, token))
	})
	b.Run("handler", func(b *testing.B) { benchtest.Ratio(b, inProcess(b, ours, token), inProcess(b, theirs, token)) })
}

func overLoopback(b *testing.B, h http.Handler, token string) func() {
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return func() {
		r := request(b.Context(), token, echoBody)
		r.RequestURI, r.Host = "", ""
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		resp, err := server.Client().Do(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("got %d, %v", resp.StatusCode, err)
		}
		_ = resp.Body.Close()
	}
}

func inProcess(b *testing.B, h http.Handler, token string) func() {
	return func() {
		if w := do(h, request(b.Context(), token, echoBody)); w.Code != http.StatusOK {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}
