package mcptest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/mcp/mcptest"
)

// serving describes a server of those parts.
func serving(parts ...mcp.Part) func(mcp.Deps) mcp.Server {
	return func(mcp.Deps) mcp.Server {
		return mcp.Server{Name: "test", Title: "Test", Version: "1.2", Instructions: "Ask it.", Parts: parts}
	}
}

// returning is a tool that returns a value.
func returning[T any](name string, v T, err error) mcp.Part {
	return mcp.NewTool(sdk.Tool{Name: name}, func(context.Context, mcp.Caller, mcp.None) (T, error) { return v, err })
}

// What the author says of the server is what clients read.
func TestClientsReadTheAuthorsWords(t *testing.T) {
	t.Parallel()
	me := mcptest.Start(t, serving()).SignIn("octocat")
	got := me.InitializeResult()
	if got.ServerInfo.Name != "test" || got.ServerInfo.Version != "1.2" || got.Instructions != "Ask it." {
		t.Errorf("server: got %+v, %q", got.ServerInfo, got.Instructions)
	}
}

// Results of every type come in an object with a schema, since clients of older revisions
// read no other.
func TestEveryResultIsAnObjectWithASchema(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y int }
	me := mcptest.Start(t, serving(
		returning("object", point{1, 2}, nil), returning("pointer", (*point)(nil), nil),
		returning("list", []point{{1, 2}}, nil), returning("number", 7, nil), returning("text", "seven", nil),
		returning("any", any(7), nil), returning("map", map[string]int{"a": 1}, nil),
		returning("bytes", []byte("x"), nil), returning("json", json.RawMessage(`{"a":1}`), nil),
		returning("no list", []point(nil), nil),
	)).SignIn("octocat")
	for name, want := range map[string]string{
		"object": `{"X":1,"Y":2}`, "pointer": `{"X":0,"Y":0}`, "list": `{"result":[{"X":1,"Y":2}]}`,
		"bytes": `{"result":"eA=="}`, "json": `{"result":{"a":1}}`, "no list": `{"result":null}`,
		"number": `{"result":7}`, "text": `{"result":"seven"}`, "any": `{"result":7}`, "map": `{"a":1}`,
	} {
		res, err := me.CallTool(t.Context(), &sdk.CallToolParams{Name: name})
		if err != nil || res.IsError || len(res.Content) != 1 {
			t.Errorf("%s: got %+v, %v", name, res, err)
			continue
		}
		if got := res.Content[0].(*sdk.TextContent).Text; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for tool, err := range me.Tools(t.Context(), nil) {
		schema, ok := tool.OutputSchema.(map[string]any)
		if err != nil || tool.Name != "any" && (!ok || schema["type"] != "object") {
			t.Errorf("%s: got the schema %v, %v; want an object's", tool.Name, tool.OutputSchema, err)
		}
	}
}

// Arguments may be of any type that JSON has, as results may.
func TestArgumentsOfEveryType(t *testing.T) {
	t.Parallel()
	type arguments struct {
		Bytes []byte          `json:"bytes"`
		Any   json.RawMessage `json:"any"`
	}
	me := mcptest.Start(t, serving(mcp.NewTool(sdk.Tool{Name: "give"},
		func(_ context.Context, _ mcp.Caller, in arguments) (arguments, error) { return in, nil }))).SignIn("octocat")
	in := arguments{[]byte("x"), json.RawMessage(`{"a":[1]}`)}
	var got arguments
	if me.Call("give", in, &got); string(got.Bytes) != "x" || string(got.Any) != `{"a":[1]}` {
		t.Errorf("got %s and %s, want what was sent", got.Bytes, got.Any)
	}
}

// Pictures, audio and links stand beside a value or alone.
func TestContentStandsBesideAValueOrAlone(t *testing.T) {
	t.Parallel()
	picture := &sdk.ImageContent{MIMEType: "image/png", Data: []byte("png")}
	link := &sdk.ResourceLink{URI: "https://example.com/", Name: "home"}
	audio := &sdk.AudioContent{MIMEType: "audio/wav", Data: []byte("wav")}
	me := mcptest.Start(t, serving(
		returning("both", mcp.Result[[]int]{Value: []int{1}, Content: mcp.Content{picture, link}}, nil),
		returning("alone", mcp.Content{audio}, nil),
	)).SignIn("octocat")
	both, err := me.CallTool(t.Context(), &sdk.CallToolParams{Name: "both"})
	if err != nil || len(both.Content) != 3 || both.StructuredContent == nil {
		t.Fatalf("both: got %+v, %v", both, err)
	}
	if got, ok := both.Content[1].(*sdk.ImageContent); !ok || !bytes.Equal(got.Data, picture.Data) {
		t.Errorf("picture: got %+v", both.Content[1])
	}
	alone, err := me.CallTool(t.Context(), &sdk.CallToolParams{Name: "alone"})
	if err != nil || len(alone.Content) != 1 || alone.StructuredContent != nil {
		t.Errorf("alone: got %+v, %v", alone, err)
	}
}

// A prompt, a resource and a template are the author's to write.
func TestPromptsResourcesAndTemplates(t *testing.T) {
	t.Parallel()
	me := mcptest.Start(t, serving(
		mcp.NewPrompt(sdk.Prompt{Name: "ask", Arguments: []*sdk.PromptArgument{{Name: "what", Required: true}}},
			func(_ context.Context, c mcp.Caller, in map[string]string) (*sdk.GetPromptResult, error) {
				text := &sdk.TextContent{Text: c.Person.Login + " asks " + in["what"]}
				return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: text}}}, nil
			}),
		mcp.NewResource(sdk.Resource{Name: "note", URI: "note://one", MIMEType: "text/plain"},
			func(_ context.Context, c mcp.Caller) (*sdk.ResourceContents, error) {
				return &sdk.ResourceContents{Text: c.Person.Login}, nil
			}),
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "file", URITemplate: "file://{name}"},
			func(_ context.Context, _ mcp.Caller, uri string) (*sdk.ResourceContents, error) {
				if uri == "file://none" {
					return nil, sdk.ResourceNotFoundError(uri)
				}
				return &sdk.ResourceContents{Text: uri}, nil
			}),
	)).SignIn("octocat")
	ctx := t.Context()
	p, err := me.GetPrompt(ctx, &sdk.GetPromptParams{Name: "ask", Arguments: map[string]string{"what": "why"}})
	if err != nil || p.Messages[0].Content.(*sdk.TextContent).Text != "octocat asks why" {
		t.Errorf("prompt: got %+v, %v", p, err)
	}
	if _, err := me.GetPrompt(ctx, &sdk.GetPromptParams{Name: "ask"}); err == nil ||
		!strings.Contains(err.Error(), "argument what") {
		t.Errorf("prompt without its argument: got %v", err)
	}
	for uri, want := range map[string]string{"note://one": "octocat", "file://a": "file://a"} {
		r, err := me.ReadResource(ctx, &sdk.ReadResourceParams{URI: uri})
		if err != nil || r.Contents[0].Text != want || r.Contents[0].URI != uri {
			t.Errorf("%s: got %+v, %v", uri, r, err)
		}
	}
	if _, err := me.ReadResource(ctx, &sdk.ReadResourceParams{URI: "file://none"}); err == nil {
		t.Error("file://none: got a resource, want none")
	}
}

// A question goes to the person, and its state comes back to who it was sealed for and to
// nobody else (MOD-14, MP-05, MP-08).
func TestAQuestionIsAskedAndItsStateIsSealed(t *testing.T) {
	t.Parallel()
	type in struct{ Name string }
	e := mcptest.Start(t, serving(mcp.NewTool(sdk.Tool{Name: "delete"},
		func(ctx context.Context, _ mcp.Caller, in in) (string, error) {
			answer, ok := mcp.Answered(ctx)
			if !ok {
				return "", &mcp.Question{Message: "Delete " + in.Name + "?", State: []byte("state of " + in.Name)}
			}
			if !answer.Accepted {
				return "kept", nil
			}
			return "deleted with " + string(answer.State), nil
		})))
	var asked string
	me := e.Connect("octocat", &sdk.ClientOptions{
		ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
			asked = r.Params.Message
			return &sdk.ElicitResult{Action: "accept"}, nil
		},
	})
	var got struct{ Result string }
	me.Call("delete", in{"a"}, &got)
	if asked != "Delete a?" || got.Result != "deleted with state of a" {
		t.Errorf("got %q after the question %q", got.Result, asked)
	}
	if _, err := e.SignIn("octocat").CallTool(t.Context(), &sdk.CallToolParams{
		Name: "delete", Arguments: in{"a"},
	}); err == nil || !strings.Contains(err.Error(), "able to ask") {
		t.Errorf("client that cannot ask: got %v, want to be told", err)
	}
	mine := e.Token("octocat")
	call := func(token, name, more string) string {
		_, body := post(t, e, token, "tools/call", `"name":"delete","arguments":{"Name":"`+name+`"},`+more+
			`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
			`"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}`,
			"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "delete")
		return body
	}
	question := call(mine, "a", "")
	state := regexp.MustCompile(`"requestState":"([^"]+)"`).FindStringSubmatch(question)
	if state == nil || strings.Contains(question, "state of") {
		t.Fatalf("question: got %s, want sealed state", question)
	}
	answer := `"requestState":"` + state[1] + `","inputResponses":{"question":{"action":"accept"}},`
	for who, c := range map[string]struct{ body, want string }{
		"the person":       {call(mine, "a", answer), "deleted with state of a"},
		"another person":   {call(e.Token("mallory"), "a", answer), "no question"},
		"another client":   {call(e.Token("octocat"), "a", answer), "no question"},
		"another argument": {call(mine, "b", answer), "no question"},
		"no state at all":  {call(mine, "a", `"inputResponses":{"question":{"action":"accept"}},`), `"input_required"`},
		"declining":        {call(mine, "a", strings.Replace(answer, "accept", "decline", 1)), "kept"},
	} {
		if !strings.Contains(c.body, c.want) {
			t.Errorf("answer of %s: got %s, want %s", who, c.body, c.want)
		}
	}
}

// post sends one message and returns the status, and the challenge and body.
func post(t *testing.T, e *mcptest.Endpoint, token, method, params string, headers ...string) (int, string) {
	t.Helper()
	return send(t, e, token, `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+params+`}}`, headers...)
}

// send is post for a whole body.
func send(t *testing.T, e *mcptest.Endpoint, token, body string, headers ...string) (int, string) {
	t.Helper()
	res := open(t, e, token, body, headers...)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("WWW-Authenticate") + string(data)
}

// open sends a body and returns the answer, to be read.
func open(t *testing.T, e *mcptest.Endpoint, token, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Progress reaches a client that asked for it, and nobody else.
func TestProgressReachesWhoAskedForIt(t *testing.T) {
	t.Parallel()
	e := mcptest.Start(t, serving(mcp.NewTool(sdk.Tool{Name: "long"},
		func(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
			mcp.Progress(ctx, 1, 2, "half")
			return "done", nil
		})))
	told := make(chan string, 2)
	me := e.Connect("octocat", &sdk.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
			told <- r.Params.Message
		},
	})
	me.Call("long", nil, nil)
	params := &sdk.CallToolParams{Name: "long"}
	params.SetProgressToken("p")
	if _, err := me.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != "half" || len(told) != 0 {
		t.Errorf("progress: got %q and %d more, want half once", got, len(told))
	}
}

// errSecret is what no client may read.
var errSecret = errors.New("dial tcp 192.0.2.1")

// Whatever part fails, in whatever way, a person reads a problem and nothing of the cause;
// a panic is one failed answer, of middleware too (HT-09).
func TestFailuresAreMaskedInEveryPart(t *testing.T) {
	t.Parallel()
	panicking := false
	e := mcptest.Start(t, serving(
		returning("fault", "", errSecret),
		returning("protocol", "", &jsonrpc.Error{Code: -32050, Message: "busy"}),
		mcp.NewPrompt(sdk.Prompt{Name: "fault"},
			func(context.Context, mcp.Caller, map[string]string) (*sdk.GetPromptResult, error) {
				return nil, errSecret
			}),
		mcp.NewResource(sdk.Resource{Name: "fault", URI: "fault://one"},
			func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) { return nil, errSecret }),
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "panic", URITemplate: "panic://{x}"},
			func(context.Context, mcp.Caller, string) (*sdk.ResourceContents, error) { panic(errSecret) }),
		mcp.Raw(func(s *sdk.Server) {
			sdk.AddTool(s, &sdk.Tool{Name: "typed"},
				func(context.Context, *sdk.CallToolRequest, mcp.None) (*sdk.CallToolResult, any, error) {
					return nil, nil, errSecret
				})
			s.AddTool(&sdk.Tool{Name: "plain", InputSchema: map[string]any{"type": "object"}},
				func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { return nil, errSecret })
			s.AddReceivingMiddleware(func(next sdk.MethodHandler) sdk.MethodHandler {
				return func(ctx context.Context, method string, r sdk.Request) (sdk.Result, error) {
					if panicking && method == "tools/list" {
						panic(errSecret)
					}
					return next(ctx, method, r)
				}
			})
		}),
	))
	me, ctx := e.SignIn("octocat"), t.Context()
	for _, name := range []string{"fault", "typed", "plain"} {
		if got := me.Problem(name, nil); !strings.Contains(got, "under request") || strings.Contains(got, "192.0.2.1") {
			t.Errorf("%s: got %q, want a sentence of ours", name, got)
		}
	}
	_, busy := me.CallTool(ctx, &sdk.CallToolParams{Name: "protocol"})
	if wire, ok := errors.AsType[*jsonrpc.Error](busy); !ok || wire.Code != -32050 || wire.Message != "busy" {
		t.Errorf("protocol error: got %v, want the tool's own", busy)
	}
	_, prompt := me.GetPrompt(ctx, &sdk.GetPromptParams{Name: "fault"})
	_, resource := me.ReadResource(ctx, &sdk.ReadResourceParams{URI: "fault://one"})
	_, template := me.ReadResource(ctx, &sdk.ReadResourceParams{URI: "panic://one"})
	panicking = true
	_, list := me.ListTools(ctx, nil)
	panicking = false
	for what, err := range map[string]error{
		"prompt": prompt, "resource": resource, "template": template, "list": list,
	} {
		if err == nil || strings.Contains(err.Error(), "192.0.2.1") {
			t.Errorf("%s: got %v, want an error without the cause", what, err)
		}
	}
	if _, err := me.ListTools(ctx, nil); err != nil {
		t.Errorf("after the panics: got %v, want an answer", err)
	}
}

// Who may not see a part meets it nowhere; who lacks its scope finds it, and is told all
// scopes that it takes, whatever kind of part and however it was added (MP-07, CHL-07).
func TestEachPartHasItsScopesAndItsPeople(t *testing.T) {
	t.Parallel()
	mona := func(c mcp.Caller) bool { return c.Person.Login == "mona" }
	text := func(_ context.Context, _ mcp.Caller, uri string) (*sdk.ResourceContents, error) {
		return &sdk.ResourceContents{Text: uri}, nil
	}
	empty := func(context.Context, mcp.Caller, map[string]string) (*sdk.GetPromptResult, error) {
		return &sdk.GetPromptResult{}, nil
	}
	rawTool := func(name string) mcp.Part {
		return mcp.Raw(func(s *sdk.Server) {
			s.AddTool(&sdk.Tool{Name: name, InputSchema: map[string]any{"type": "object"}},
				func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
					return &sdk.CallToolResult{}, nil
				})
		})
	}
	e := mcptest.Start(t, serving(
		returning("all", "", nil), rawTool("scoped").Needs("admin", "write"), rawTool("hidden").OnlyFor(mona),
		mcp.NewPrompt(sdk.Prompt{Name: "scoped"}, empty).Needs("read"),
		mcp.NewPrompt(sdk.Prompt{Name: "hidden"}, empty).OnlyFor(mona),
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "s", URITemplate: "scoped://{x}"}, text).Needs("read"),
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "h", URITemplate: "hidden://{x}"}, text).OnlyFor(mona),
	))
	plain, full, other := e.Token("octocat"), e.Token("octocat", "admin", "write", "read"), e.Token("mona")
	for _, c := range []struct {
		token, method, params string
		status                int
		want                  string
	}{
		{plain, "tools/call", `"name":"scoped"`, 403, `scope="mcp admin write"`},
		{plain, "resources/read", `"uri":"scoped://a"`, 403, `scope="mcp read"`},
		{plain, "prompts/get", `"name":"scoped"`, 403, `scope="mcp read"`},
		{full, "prompts/get", `"name":"scoped"`, 200, `"result"`},
		{plain, "prompts/get", `"name":"hidden"`, 200, "unknown prompt"},
		{other, "prompts/get", `"name":"hidden"`, 200, `"result"`},
		{full, "tools/call", `"name":"scoped"`, 200, `"result"`},
		{full, "resources/read", `"uri":"scoped://a"`, 200, `"text":"scoped://a"`},
		{plain, "tools/call", `"name":"hidden"`, 200, "unknown tool"},
		{plain, "resources/read", `"uri":"hidden://a"`, 200, "not found"},
		{other, "tools/call", `"name":"hidden"`, 200, `"result"`},
		{other, "resources/read", `"uri":"hidden://a"`, 200, `"text":"hidden://a"`},
	} {
		if status, got := post(t, e, c.token, c.method, c.params); status != c.status ||
			!strings.Contains(strings.ToLower(got), c.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.params, status, got, c.status, c.want)
		}
	}
	for token, want := range map[string][]string{plain: {"all", "scoped"}, other: {"all", "scoped", "hidden"}} {
		_, list := post(t, e, token, "tools/list", "")
		for _, name := range []string{"all", "scoped", "hidden"} {
			if got := strings.Contains(list, `"name":"`+name+`"`); got != slices.Contains(want, name) {
				t.Errorf("list has %s: got %v, want %v in %s", name, got, want, list)
			}
		}
	}
}

// The provider's API is asked with the person's own token, at its own address, and a token
// that it refuses asks for a new sign-in (MP-15, AT-04).
func TestTheProvidersAPIIsAskedInTheCallersName(t *testing.T) {
	t.Parallel()
	dead := false
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if dead {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("elsewhere: got a request with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	describe := func(d mcp.Deps) mcp.Server {
		type in struct{ URL string }
		get := func(ctx context.Context, c mcp.Caller, in in) (string, error) {
			if in.URL == "" {
				in.URL = d.APIBase + "/user"
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, in.URL, nil)
			if err != nil {
				return "", err
			}
			res, err := d.Client(c).Do(r)
			if err != nil {
				return "", err
			}
			defer res.Body.Close()
			data, err := io.ReadAll(res.Body)
			return string(data), err
		}
		return serving(mcp.NewTool(sdk.Tool{Name: "get"}, get))(d)
	}
	me := mcptest.Start(t, describe, mcptest.API(api)).SignIn("octocat")
	var got struct{ Result string }
	me.Call("get", map[string]string{"URL": ""}, &got)
	if want := "Bearer gho_" + t.Name(); got.Result != want {
		t.Errorf("API: got %q, want %q", got.Result, want)
	}
	if got := me.Problem("get", map[string]string{"URL": elsewhere.URL}); !strings.Contains(got, "the tool failed") {
		t.Errorf("elsewhere: got %q, want the tool's failure", got)
	}
	dead = true
	if got := me.Problem("get", map[string]string{"URL": ""}); !strings.Contains(got, "sign in again") {
		t.Errorf("dead token: got %q, want sign in again", got)
	}
	none := mcptest.Start(t, describe).SignIn("octocat")
	got.Result = none.Problem("get", map[string]string{"URL": "http://127.0.0.1/"})
	if !strings.Contains(got.Result, "nothing to ask") {
		t.Errorf("no API: got %q, want to be told", got.Result)
	}
}
