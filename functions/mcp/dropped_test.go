package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A caller is answered whatever a part hands to the SDK, be it what JSON does not have, nothing,
// or the end of its session; a panic beyond the parts would end the process (HT-09).
func TestWhatTheSDKDropsIsAnswered(t *testing.T) {
	t.Parallel()
	completed := []*sdk.CompleteResult{nil, {Meta: sdk.Meta{"x": make(chan int)}}}
	f := newEndpoint(t)
	f.Describe = func(Deps) Server {
		return Server{
			Name: "test", Version: "1",
			Options: sdk.ServerOptions{
				KeepAlive: time.Nanosecond, // its pings would end the session
				CompletionHandler: func(_ context.Context, r *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
					return completed[len(r.Params.Argument.Value)], nil
				},
			},
			Parts: []Part{
				NewTool(sdk.Tool{Name: "data"}, func(context.Context, Caller, None) (text, error) {
					return text{}, &jsonrpc.Error{Code: 5, Message: "mine", Data: json.RawMessage("not JSON")}
				}),
				Raw(func(s *sdk.Server) {
					s.AddTool(&sdk.Tool{Name: "close", InputSchema: inputSchema[any]()}, closeSession)
				}),
				NewTool(sdk.Tool{Name: "exit"}, func(context.Context, Caller, None) (text, error) {
					runtime.Goexit() // as t.FailNow does
					return text{}, nil
				}),
				echo("echo"),
				NewPrompt(sdk.Prompt{Name: "p"},
					func(context.Context, Caller, map[string]string) (*sdk.GetPromptResult, error) { return nil, nil }),
			},
		}
	}
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	complete := func(value string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{` + modernMeta +
			`,"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"` + value + `"}}}`
	}
	for body, want := range map[string]string{
		callTool("data"):             `"error":{"code":5,"message":"mine"}`,
		callTool("close"):            `"error":{"code":-32603,"message":"internal error"}`,
		callTool("exit"):             `"error":{"code":-32603,"message":"internal error"}`,
		"[" + callTool("exit") + "]": `[{"jsonrpc":"2.0","id":1,"error":{"code":-32603,`,
		echoBody:                     `"result":`,
		strings.ReplaceAll(complete(""), modernMeta+",", ""):  `"error":{"code":-32603,"message":"the server failed`,
		strings.ReplaceAll(complete("x"), modernMeta+",", ""): `"error":{"code":-32603,"message":"the server failed`,
		complete(""):  `"error":{"code":-32603,"message":"the server failed`,
		complete("x"): `"error":{"code":-32603,"message":"the server failed`,
	} {
		var headers []string
		if strings.Contains(body, modernMeta) {
			headers = []string{"Mcp-Protocol-Version", version20260728, "Mcp-Method", "completion/complete"}
		}
		w := do(h, request(t.Context(), token, body, headers...))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
}

// closeSession returns when the session takes no answer any more.
func closeSession(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	go r.Session.Close()
	for !errors.Is(r.Session.Ping(ctx, nil), sdk.ErrConnectionClosed) {
	}
	return &sdk.CallToolResult{}, nil
}

// deaf is a caller who left, to whom nothing can be written.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, errors.New("the caller left") }

// A client of an older revision that leaves has not cancelled, whatever a part tells it then (MCP
// 2025-11-25, Transports: sending messages); but nothing of its outlives the token (MP-12).
func TestAnOlderClientThatLeftHasNotCancelled(t *testing.T) {
	t.Parallel()
	began, left, told, ended := make(chan bool), make(chan bool), make(chan error, 1), make(chan bool)
	f := newEndpoint(t)
	f.serve(NewTool(sdk.Tool{Name: "wait"}, func(ctx context.Context, _ Caller, _ None) (text, error) {
		close(began)
		<-left
		Progress(ctx, 1, 2, "half")
		told <- ctx.Err()
		<-ctx.Done()
		return text{}, nil
	}))
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	body := strings.Replace(callTool("wait"), `"arguments":{}`, `"arguments":{},"_meta":{"progressToken":1}`, 1)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		h.ServeHTTP(deaf{httptest.NewRecorder()}, request(ctx, token, body))
		close(ended)
	}()
	<-began
	close(left)
	if err := <-told; err != nil {
		t.Errorf("got %v, want a part that goes on", err)
	}
	f.Clock.Advance(time.Hour)
	leave()
	<-ended
}

// A part may give everybody the same, which stays as it is whatever one of them is told.
func TestWhatAPartGivesEverybodyStaysAsItIs(t *testing.T) {
	t.Parallel()
	prompted, read := &sdk.GetPromptResult{Meta: sdk.Meta{"mine": true}}, &sdk.ResourceContents{Text: "text"}
	f := newEndpoint(t)
	f.serve(
		NewPrompt(sdk.Prompt{Name: "p"},
			func(context.Context, Caller, map[string]string) (*sdk.GetPromptResult, error) { return prompted, nil }),
		NewTemplate(sdk.ResourceTemplate{URITemplate: "a://b/{x}", Name: "t"},
			func(context.Context, Caller, string) (*sdk.ResourceContents, error) { return read, nil }))
	h, token := f.open(t), f.connect(t, "octocat", "Client", nil).token
	ask := func(method, params, name string) string {
		return do(h, request(t.Context(), token,
			`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+params+`,`+modernMeta+`}}`,
			"Mcp-Protocol-Version", version20260728, "Mcp-Method", method, "Mcp-Name", name)).Body.String()
	}
	if got := ask("prompts/get", `"name":"p"`, "p"); !strings.Contains(got, "serverInfo") || len(prompted.Meta) != 1 {
		t.Errorf("got %s, and %v of the prompt; want its own alone", got, prompted.Meta)
	}
	for _, uri := range []string{"a://b/1", "a://b/2"} {
		if got := ask("resources/read", `"uri":"`+uri+`"`, uri); !strings.Contains(got, `"uri":"`+uri+`"`) {
			t.Errorf("got %s, want %s", got, uri)
		}
	}
}
