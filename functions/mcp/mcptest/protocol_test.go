package mcptest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/mcp/mcptest"
)

// newest sends a request of revision 2026-07-28, with more in its _meta.
func newest(t *testing.T, e *mcptest.Endpoint, token, method, name, params, meta string) (int, string) {
	t.Helper()
	return post(t, e, token, method, params+metaOf(meta), headersOf(method, name)...)
}

func metaOf(more string) string {
	return `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}` + more + `}`
}

func headersOf(method, name string) []string {
	all := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if name != "" {
		all = append(all, "Mcp-Name", name)
	}
	return all
}

// What a part completes is for those who may use it (MP-07), and an answer has a hundred
// values at most (MCP, Completion).
func TestArgumentsAreCompleted(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, mcp.Caller, map[string]string) (*sdk.GetPromptResult, error) { return nil, nil }
	unread := func(context.Context, mcp.Caller, string) (*sdk.ResourceContents, error) { return nil, nil }
	say := func(_ context.Context, c mcp.Caller, in mcp.Completion) ([]string, error) {
		return []string{c.Person.Login + " " + in.Argument + " " + in.Begun + " " + in.Others["a"]}, nil
	}
	many := func(context.Context, mcp.Caller, mcp.Completion) ([]string, error) { return make([]string, 101), nil }
	e := mcptest.Start(t, serving(
		mcp.NewPrompt(sdk.Prompt{Name: "say"}, nothing).Completing(say),
		mcp.NewPrompt(sdk.Prompt{Name: "plain"}, nothing),
		mcp.NewPrompt(sdk.Prompt{Name: "fault"}, nothing).
			Completing(func(context.Context, mcp.Caller, mcp.Completion) ([]string, error) { return nil, errSecret }),
		mcp.NewPrompt(sdk.Prompt{Name: "scoped"}, nothing).Completing(say).Needs("read"),
		mcp.NewPrompt(sdk.Prompt{Name: "hidden"}, nothing).Completing(say).
			OnlyFor(func(c mcp.Caller) bool { return c.Person.Login == "mona" }),
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "t", URITemplate: "t://{x}"}, unread).Completing(many),
	))
	me := e.SignIn("octocat")
	ask := func(me *mcptest.Client, ref sdk.CompleteReference) (*sdk.CompleteResult, error) {
		return me.Complete(t.Context(), &sdk.CompleteParams{
			Ref: &ref, Argument: sdk.CompleteParamsArgument{Name: "b", Value: "be"},
			Context: &sdk.CompleteContext{Arguments: map[string]string{"a": "other"}},
		})
	}
	promptOf := func(name string) sdk.CompleteReference { return sdk.CompleteReference{Type: "ref/prompt", Name: name} }
	if got, err := ask(me, promptOf("say")); err != nil ||
		!slices.Equal(got.Completion.Values, []string{"octocat b be other"}) {
		t.Errorf("prompt: got %+v, %v", got, err)
	}
	if got, err := ask(me, promptOf("plain")); err != nil || len(got.Completion.Values) != 0 {
		t.Errorf("prompt that completes nothing: got %+v, %v; want no values", got, err)
	}
	got, err := ask(me, sdk.CompleteReference{Type: "ref/resource", URI: "t://{x}"})
	if err != nil || len(got.Completion.Values) != 100 || got.Completion.Total != 101 || !got.Completion.HasMore {
		t.Errorf("template: got %+v, %v; want 100 values of 101", got, err)
	}
	for name, want := range map[string]string{
		"scoped": "lacks a scope", "hidden": "no such prompt", "none": "no such prompt", "fault": "under request",
	} {
		if _, err := ask(me, promptOf(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if _, err := ask(e.SignIn("mona", "read"), promptOf("hidden")); err != nil {
		t.Errorf("hidden, for mona: got %v", err)
	}
	if caps := mcptest.Start(t, serving()).SignIn("octocat").InitializeResult().Capabilities; caps.Completions != nil {
		t.Error("server that completes nothing: got the capability")
	}
}

// An answer is JSON until a log line or progress is sent, and from then on a stream (TRN-05,
// MOD-22).
func TestAnAnswerBecomesAStreamWithTheFirstMessage(t *testing.T) {
	t.Parallel()
	logging := func(name string, err error) mcp.Part {
		return mcp.NewTool(sdk.Tool{Name: name}, func(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
			mcp.Log(ctx, "info", "line")
			mcp.Log(ctx, "debug", "detail")
			return "done", err
		})
	}
	e := mcptest.Start(t, serving(
		returning("quiet", "done", nil), logging("loud", nil),
		logging("wrong", &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "wrong"}),
		mcp.NewPrompt(sdk.Prompt{Name: "loud"},
			func(ctx context.Context, _ mcp.Caller, _ map[string]string) (*sdk.GetPromptResult, error) {
				mcp.Log(ctx, "info", "line")
				return &sdk.GetPromptResult{}, nil
			}),
	))
	token := e.Token("octocat")
	call := func(id int, name string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q}}`, id, name)
	}
	const both = "application/json, text/event-stream"
	const wants = `,"io.modelcontextprotocol/logLevel":"info"`
	old := func(body, accept string) string {
		_, got := send(t, e, token, body, "Accept", accept)
		return got
	}
	recent := func(method, name, meta string) string {
		_, got := newest(t, e, token, method, name, `"name":"`+name+`"`, meta)
		return got
	}
	for what, c := range map[string]struct {
		got      string
		messages []string // what each begins with; one that is no event stands for the whole
	}{
		"nothing sent":                  {old(call(1, "quiet"), both), []string{"1"}},
		"a line":                        {old(call(1, "loud"), both), []string{"line", "1"}},
		"a line, to who takes JSON":     {old(call(1, "loud"), "application/json"), []string{"1"}},
		"nothing, in a batch":           {old("["+call(1, "quiet")+"]", both), []string{"list"}},
		"a line, in a batch":            {old("["+call(1, "loud")+"]", both), []string{"line", "1"}},
		"a line nobody asked for":       {recent("tools/call", "loud", ""), []string{"1"}},
		"a line that was asked for":     {recent("tools/call", "loud", wants), []string{"line", "1"}},
		"a line of a prompt":            {recent("prompts/get", "loud", wants), []string{"line", "1"}},
		"an error":                      {recent("tools/call", "wrong", ""), []string{"1"}},
		"an error after a line":         {recent("tools/call", "wrong", wants), []string{"line", "1"}},
		"a line, to who takes a stream": {old(call(1, "quiet"), "text/event-stream"), []string{"event 1"}},
	} {
		var got []string
		isStream := strings.HasPrefix(c.got, "event: ")
		for text := range strings.SplitSeq(strings.TrimSpace(c.got), "\n\n") {
			text = strings.TrimPrefix(text, "event: message\ndata: ")
			var m struct {
				ID     int
				Params struct{ Data string }
			}
			switch err := json.Unmarshal([]byte(text), &m); {
			case text[0] == '[':
				got = append(got, "list")
			case err != nil:
				t.Errorf("%s: got %s: %v", what, text, err)
			case m.ID != 0 && isStream && len(got) == 0:
				got = append(got, fmt.Sprint("event ", m.ID))
			case m.ID != 0:
				got = append(got, fmt.Sprint(m.ID))
			default:
				got = append(got, m.Params.Data)
			}
		}
		if !slices.Equal(got, c.messages) {
			t.Errorf("%s: got %q in %s, want %q", what, got, c.got, c.messages)
		}
	}
}

// A question may ask for several things of several kinds, and again when it was answered; so
// may prompts and resources (MOD-14, MRT-02).
func TestAQuestionMayAskForSeveralThings(t *testing.T) {
	t.Parallel()
	ask := func(ctx context.Context) (string, error) {
		answer, ok := mcp.Answered(ctx)
		if !ok {
			return "", &mcp.Question{Message: "Sure?", State: []byte("1"), Inputs: sdk.InputRequestMap{
				"text": &sdk.CreateMessageParams{MaxTokens: 1}, "roots": &sdk.ListRootsParams{},
			}}
		}
		if string(answer.State) == "1" {
			text := answer.Inputs["text"].(*sdk.CreateMessageWithToolsResult).Content[0].(*sdk.TextContent).Text
			_, ok := answer.Inputs["roots"].(*sdk.ListRootsResult)
			return "", &mcp.Question{Message: "Really?", State: fmt.Append(nil, text, " ", ok)}
		}
		return string(answer.State), nil
	}
	e := mcptest.Start(t, serving(
		mcp.NewTool(sdk.Tool{Name: "ask"},
			func(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) { return ask(ctx) }),
		mcp.NewPrompt(sdk.Prompt{Name: "ask"},
			func(ctx context.Context, _ mcp.Caller, _ map[string]string) (*sdk.GetPromptResult, error) {
				text, err := ask(ctx)
				return &sdk.GetPromptResult{Description: text}, err
			}),
		mcp.NewResource(sdk.Resource{Name: "ask", URI: "ask://it"},
			func(ctx context.Context, _ mcp.Caller) (*sdk.ResourceContents, error) {
				text, err := ask(ctx)
				return &sdk.ResourceContents{Text: text}, err
			}),
	))
	me := e.Connect("octocat", &sdk.ClientOptions{
		ElicitationHandler: func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
			return &sdk.ElicitResult{Action: "accept"}, nil
		},
		CreateMessageHandler: func(context.Context, *sdk.CreateMessageRequest) (*sdk.CreateMessageResult, error) {
			return &sdk.CreateMessageResult{Model: "m", Role: "assistant", Content: &sdk.TextContent{Text: "text"}}, nil
		},
	})
	const want = "text true"
	var got struct{ Result string }
	if me.Call("ask", nil, &got); got.Result != want {
		t.Errorf("tool: got %q, want %q", got.Result, want)
	}
	if p, err := me.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "ask"}); err != nil || p.Description != want {
		t.Errorf("prompt: got %+v, %v; want %q", p, err, want)
	}
	r, err := me.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "ask://it"})
	if err != nil || r.Contents[0].Text != want {
		t.Errorf("resource: got %+v, %v; want %q", r, err, want)
	}
	// Of what a client cannot bring, all is named at once (MOD-13).
	status, body := newest(t, e, e.Token("octocat"), "tools/call", "ask", `"name":"ask"`, "")
	if status != 400 || !strings.Contains(body, `-32021`) || !strings.Contains(body, `"sampling":{}`) ||
		!strings.Contains(body, `"roots":{}`) || strings.Contains(body, `"elicitation":{`) {
		t.Errorf("client that has elicitation alone: got %d %s", status, body)
	}
}

// Without state, an answer counts for a question that had none to bring back, if it is all
// that was asked; else the question is asked again, and never answered by half.
func TestAnAnswerIsWholeOrNone(t *testing.T) {
	t.Parallel()
	asking := func(name string, state []byte) mcp.Part {
		form := &sdk.ElicitParams{Message: "Name?", RequestedSchema: map[string]any{"type": "object"}}
		return mcp.NewTool(sdk.Tool{Name: name}, func(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
			answer, ok := mcp.Answered(ctx)
			if !ok {
				return "", &mcp.Question{State: state, Inputs: sdk.InputRequestMap{"a": form, "b": form}}
			}
			return fmt.Sprintf("came %d %v", len(answer.Inputs), answer.Accepted), nil
		})
	}
	e := mcptest.Start(t, serving(asking("free", nil), asking("bound", []byte("x"))))
	token := e.Token("octocat")
	const yes, no = `{"action":"accept"}`, `{"action":"decline"}`
	for _, c := range []struct{ tool, answers, want string }{
		{"free", `"a":` + yes + `,"b":` + yes + `,"c":` + yes, "came 2 true"},
		{"free", `"a":` + yes + `,"b":` + no, "came 2 false"},
		{"free", `"a":` + yes, "input_required"},
		{"free", `"a":` + yes + `,"b":{"roots":[]}`, "input_required"},
		{"bound", `"a":` + yes + `,"b":` + yes, "input_required"},
		{"free", `"a":7,"b":7`, "error"},
	} {
		_, got := newest(t, e, token, "tools/call", c.tool, `"name":"`+c.tool+`","inputResponses":{`+c.answers+`}`, "")
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %s, want %s", c.tool, c.answers, got, c.want)
		}
	}
}

// A stream tells of what its caller may see, and of nothing else (SUB-01, MP-07); what fails
// in an author's watch fails alone.
func TestASubscriptionTellsOfWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	read := func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) { return &sdk.ResourceContents{}, nil }
	at := func(uri string) mcp.Part { return mcp.NewResource(sdk.Resource{Name: uri, URI: uri}, read) }
	once := func(_ context.Context, _ mcp.Caller, _ string, changed func()) error { changed(); return nil }
	panics := func(context.Context, mcp.Caller, string, func()) error { panic(errSecret) }
	var there atomic.Bool
	var deps mcp.Deps
	e := mcptest.Start(t, func(d mcp.Deps) mcp.Server {
		deps = d
		s := serving(
			at("w://open").Watched(once), at("w://panics").Watched(panics), at("w://fixed"),
			at("w://scoped").Watched(once).Needs("read"),
			at("w://hidden").Watched(once).OnlyFor(func(mcp.Caller) bool { return false }),
			mcp.NewTemplate(sdk.ResourceTemplate{Name: "t", URITemplate: "t://{x}"},
				func(context.Context, mcp.Caller, string) (*sdk.ResourceContents, error) { return nil, nil }).
				Watched(once),
			returning("now and then", "", nil).OnlyFor(func(mcp.Caller) bool { return there.Load() }),
		)(d)
		s.ListsChange = true
		return s
	})
	token := e.Token("octocat")
	listen := func(want string) *bufio.Scanner {
		const method = "subscriptions/listen"
		body := `{"jsonrpc":"2.0","id":"s","method":"` + method + `",` +
			`"params":{"notifications":{` + want + `}` + metaOf("") + `}}`
		res := open(t, e, token, body, headersOf(method, "")...)
		t.Cleanup(func() { res.Body.Close() })
		return bufio.NewScanner(res.Body)
	}
	next := func(s *bufio.Scanner) string {
		for s.Scan() {
			if text, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				if !strings.Contains(text, `"io.modelcontextprotocol/subscriptionId":"s"`) {
					t.Errorf("got %s, want it to name its subscription", text)
				}
				return text
			}
		}
		t.Fatalf("the stream ended: %v", s.Err())
		return ""
	}
	s := listen(`"resourceSubscriptions":` +
		`["w://panics","w://open","w://fixed","w://scoped","w://hidden","t://1","w://none"]`)
	if got := next(s); !strings.Contains(got, "subscriptions/acknowledged") ||
		!strings.Contains(got, `"notifications":{"resourceSubscriptions":["w://panics","w://open","t://1"]}`) {
		t.Errorf("acknowledgement: got %s, want what is watched and may be read", got)
	}
	told := []string{next(s), next(s)}
	for _, uri := range []string{"w://open", "t://1"} {
		if !strings.Contains(strings.Join(told, ""), `"uri":"`+uri+`"`) {
			t.Errorf("got %s, want %s in it", told, uri)
		}
	}
	prompts, tools := listen(`"promptsListChanged":true`), listen(`"toolsListChanged":true`)
	for _, s := range []*bufio.Scanner{prompts, tools} {
		if got := next(s); !strings.Contains(got, `ListChanged":true}`) {
			t.Errorf("acknowledgement: got %s", got)
		}
	}
	there.Store(true)
	deps.ListsChanged()
	if got := next(tools); !strings.Contains(got, "notifications/tools/list_changed") {
		t.Errorf("changed tools: got %s", got)
	}
	// Older revisions have no stream to be told on, and are not promised one.
	if _, got := post(t, e, token, "initialize", `"protocolVersion":"2025-11-25","capabilities":{},`+
		`"clientInfo":{"name":"t","version":"1"}`); strings.Contains(got, "subscribe") ||
		strings.Contains(got, "listChanged") {
		t.Errorf("initialize: got %s, want no promise of streams", got)
	}
	for uri, want := range map[string]string{
		"w://open": `"result":{}`, "w://scoped": `scope="mcp read"`,
		"w://fixed": "no such resource", "w://hidden": "no such resource",
	} {
		if _, got := post(t, e, token, "resources/subscribe", `"uri":"`+uri+`"`); !strings.Contains(got, want) {
			t.Errorf("resources/subscribe %s: got %s, want %s", uri, got, want)
		}
	}
}

// bomb is a value that panics when it is encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic(errSecret) }

// A result that JSON does not have is one failed answer: not a call without an end, and not
// the end of the process (HT-09).
func TestAResultThatJSONDoesNotHaveIsAFailure(t *testing.T) {
	t.Parallel()
	never := make(chan int)
	text := func(meta any) *sdk.TextContent { return &sdk.TextContent{Text: "x", Meta: sdk.Meta{"m": meta}} }
	rawTool := func(name string, res *sdk.CallToolResult) mcp.Part {
		return mcp.Raw(func(s *sdk.Server) {
			s.AddTool(&sdk.Tool{Name: name, InputSchema: map[string]any{"type": "object"}},
				func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { return res, nil })
		})
	}
	e := mcptest.Start(t, serving(
		returning("nil", mcp.Content{nil}, nil), returning("nil text", mcp.Content{(*sdk.TextContent)(nil)}, nil),
		returning("channel", mcp.Content{text(never)}, nil), returning("bomb", mcp.Content{text(bomb{})}, nil),
		returning("value", any(bomb{}), nil), returning("form", "", &mcp.Question{Message: "?", Form: never}),
		rawTool("raw", &sdk.CallToolResult{StructuredContent: never}), rawTool("raw nil", nil),
		mcp.NewPrompt(sdk.Prompt{Name: "p"},
			func(context.Context, mcp.Caller, map[string]string) (*sdk.GetPromptResult, error) {
				return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user"}}}, nil
			}),
		mcp.NewResource(sdk.Resource{Name: "r", URI: "r://r"},
			func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) {
				return &sdk.ResourceContents{Meta: sdk.Meta{"m": never}}, nil
			}),
	))
	token := e.Token("octocat")
	for _, c := range []struct{ method, name, params string }{
		{"tools/call", "nil", ""}, {"tools/call", "nil text", ""}, {"tools/call", "channel", ""},
		{"tools/call", "bomb", ""}, {"tools/call", "value", ""}, {"tools/call", "form", ""},
		{"tools/call", "raw", ""}, {"tools/call", "raw nil", ""}, {"prompts/get", "p", ""},
		{"resources/read", "r://r", `"uri":"r://r"`},
	} {
		params := c.params
		if params == "" {
			params = `"name":"` + c.name + `"`
		}
		_, got := newest(t, e, token, c.method, c.name, params, "")
		if !strings.Contains(got, `"isError":true`) && !strings.Contains(got, `-32603`) ||
			strings.Contains(got, errSecret.Error()) {
			t.Errorf("%s %s: got %s, want a failure without the cause", c.method, c.name, got)
		}
	}
}

// The SDK's own client hears what it subscribed to, and an author's watch ends with its
// subscription (SUB-01, MOD-15).
func TestTheSDKsClientSubscribes(t *testing.T) {
	t.Parallel()
	read := func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) { return &sdk.ResourceContents{}, nil }
	change, ended := make(chan bool), make(chan bool)
	var there atomic.Bool
	var deps mcp.Deps
	e := mcptest.Start(t, func(d mcp.Deps) mcp.Server {
		deps = d
		s := serving(
			mcp.NewResource(sdk.Resource{Name: "w", URI: "w://it"}, read).
				Watched(func(ctx context.Context, _ mcp.Caller, _ string, changed func()) error {
					defer close(ended)
					for {
						select {
						case <-ctx.Done():
							return nil
						case <-change:
							changed()
						}
					}
				}),
			returning("now and then", "", nil).OnlyFor(func(mcp.Caller) bool { return there.Load() }),
		)(d)
		s.ListsChange = true
		return s
	})
	updated, lists := make(chan string), make(chan bool, 8)
	me := e.Connect("octocat", &sdk.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, r *sdk.ResourceUpdatedNotificationRequest) {
			updated <- r.Params.URI
		},
		ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { lists <- true },
	})
	if err := me.Subscribe(t.Context(), &sdk.SubscribeParams{URI: "w://it"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		change <- true
		if got := <-updated; got != "w://it" {
			t.Errorf("update: got one of %s, want w://it", got)
		}
	}
	if err := me.Unsubscribe(t.Context(), &sdk.UnsubscribeParams{URI: "w://it"}); err != nil {
		t.Fatal(err)
	}
	<-ended
	there.Store(true)
	deps.ListsChanged()
	<-lists
	if got, err := me.ListTools(t.Context(), nil); err != nil || len(got.Tools) != 1 {
		t.Errorf("tools after the notice: got %+v, %v; want one", got, err)
	}
}
