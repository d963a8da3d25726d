package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/mcp/mcptest"
	"github.com/postern-dev/postern/shared/store"
)

// patience is for what must happen; a test that needs it all has failed.
const patience = 30 * time.Second

// A journal keeps the lines of a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Write(b)
	close(j.grew)
	j.grew = make(chan struct{})
	return len(b), nil
}

// says waits until the log has a text.
func (j *journal) says(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for {
		j.mu.Lock()
		log, grew := j.text.String(), j.grew
		j.mu.Unlock()
		if strings.Contains(log, text) {
			return
		}
		select {
		case <-grew:
		case <-late:
			t.Fatalf("the log does not say %q:\n%s", text, log)
		}
	}
}

// behind puts a role behind a real endpoint.
func behind(t *testing.T, o Options) (*mcptest.Endpoint, *Command, *journal) {
	t.Helper()
	j := &journal{grew: make(chan struct{})}
	o.Log = slog.New(slog.NewTextHandler(j, nil))
	if o.Most == 0 {
		o.Most = 4
	}
	if o.Args == nil {
		o.Args = as("server")
	}
	c, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return mcptest.Start(t, c.Describe), c, j
}

func whoami(me *mcptest.Client) (got seen) {
	me.Call("whoami", nil, &got)
	return got
}

// text calls a tool that answers with a text.
func text(ctx context.Context, me *sdk.ClientSession, tool string) (string, error) {
	params := &sdk.CallToolParams{Name: tool}
	params.SetProgressToken(tool)
	res, err := me.CallTool(ctx, params)
	if err != nil {
		return "", err
	}
	return res.Content[0].(*sdk.TextContent).Text, nil
}

// Each person has a process, whatever their clients are, and it is told who calls: in each
// message, where nothing that a client claims under that name counts, and in its
// environment, which has nothing of our settings (MP-26, MP-27).
func TestEachPersonHasAProcess(t *testing.T) {
	t.Setenv("STORE", "postgres://secret")
	e, _, _ := behind(t, Options{})
	one, other := e.SignIn("octocat"), e.SignIn("octocat", "extra")
	first, second, third := whoami(one), whoami(other), whoami(e.SignIn("hubot"))
	if first.Pid != second.Pid {
		t.Errorf("one person, two clients: got processes %d and %d, want one", first.Pid, second.Pid)
	}
	if first.Pid == third.Pid {
		t.Errorf("two people: got one process, %d", third.Pid)
	}
	for _, c := range []struct {
		got           seen
		subject, want string
		scope         string
	}{
		{first, first.Subject, "development:octocat", "mcp"},
		{second, second.Subject, "development:octocat", "mcp extra"},
		{third, third.Subject, "development:hubot", "mcp"},
	} {
		told := c.got.Caller
		if c.subject != c.want || told.Subject != c.want || "development:"+told.Login != c.want ||
			told.ClientID == "" || told.Scope != c.scope || c.got.Secret != "" {
			t.Errorf("got %+v, want %s with scope %q and no secret", c.got, c.want, c.scope)
		}
	}
	res, err := one.CallTool(t.Context(), &sdk.CallToolParams{Name: "whoami", Meta: sdk.Meta{
		callerKey: map[string]any{"sub": "development:root"}, ourPrefix + "other": 1, "com.example/kept": "yes",
	}})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(res.StructuredContent)
	var forged seen
	if err := json.Unmarshal(raw, &forged); err != nil {
		t.Fatal(err)
	}
	delete(forged.Meta, callerKey)
	if forged.Caller.Subject != "development:octocat" || len(forged.Meta) != 1 ||
		forged.Meta["com.example/kept"] != "yes" {
		t.Errorf("got %+v, want octocat and the client's own key", forged)
	}
}

// connect returns a client of a revision, and where its progress goes.
func connect(t *testing.T, e *mcptest.Endpoint, revision string, o *sdk.ClientOptions) *sdk.ClientSession {
	t.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o).Connect(t.Context(),
		&sdk.StreamableClientTransport{
			Endpoint: e.URL, DisableStandaloneSSE: true,
			HTTPClient: &http.Client{Transport: bearing(e.Token("octocat"))},
		}, &sdk.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

type bearing string

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// Clients with a handshake and without use one process of a server with one, at the same
// time and with the same request ids: everything that it has, and progress of their own
// (MP-26).
func TestClientsOfAllRevisionsUseOneProcess(t *testing.T) {
	t.Parallel()
	e, _, _ := behind(t, Options{})
	var all sync.WaitGroup
	for _, revision := range []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"} {
		all.Go(func() {
			progress := make(chan float64, 8)
			me := connect(t, e, revision, &sdk.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
					if r.Params.ProgressToken != "count" {
						t.Errorf("%s: got progress of %v", revision, r.Params.ProgressToken)
					}
					progress <- r.Params.Progress
				},
			})
			if about := me.InitializeResult(); about.ServerInfo.Title != "Example" || about.Instructions != "Ask." {
				t.Errorf("%s: got %+v, want what the command says of itself", revision, about)
			}
			if got, err := text(t.Context(), me, "count"); got != "counted" {
				t.Errorf("%s: count: got %q, %v", revision, got, err)
			}
			for want := range 3 {
				if got := <-progress; got != float64(want+1) {
					t.Errorf("%s: got progress %v, want %d", revision, got, want+1)
				}
			}
			if err := rest(t.Context(), me); err != nil {
				t.Errorf("%s: %v", revision, err)
			}
		})
	}
	all.Wait()
}

// rest uses what is no tool.
func rest(ctx context.Context, me *sdk.ClientSession) error {
	tools, err := me.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	described := func(t *sdk.Tool) bool { return t.Name == "whoami" && t.OutputSchema != nil }
	if !slices.ContainsFunc(tools.Tools, described) {
		return fmt.Errorf("tools: got %v", tools.Tools)
	}
	prompt, err := me.GetPrompt(ctx, &sdk.GetPromptParams{Name: "hello"})
	if err != nil || prompt.Messages[0].Content.(*sdk.TextContent).Text != "Say hello." {
		return fmt.Errorf("prompt: got %v, %w", prompt, err)
	}
	for _, uri := range []string{"example://manual", "example://page/7"} {
		read, err := me.ReadResource(ctx, &sdk.ReadResourceParams{URI: uri})
		if err != nil || read.Contents[0].URI != uri || read.Contents[0].Text != "the manual" {
			return fmt.Errorf("%s: got %v, %w", uri, read, err)
		}
	}
	done, err := me.Complete(ctx, &sdk.CompleteParams{
		Ref:      &sdk.CompleteReference{Type: "ref/prompt", Name: "hello"},
		Argument: sdk.CompleteParamsArgument{Name: "to", Value: "hell"},
	})
	if err != nil || done.Completion.Values[0] != "hello" {
		return fmt.Errorf("completion: got %v, %w", done, err)
	}
	_, err = me.ReadResource(ctx, &sdk.ReadResourceParams{URI: "example://nowhere"})
	if err == nil || strings.Contains(err.Error(), "internal error") {
		return fmt.Errorf("a resource that is not there: got %w, want the command's own error", err)
	}
	return nil
}

// A log line goes to the calls of its person that asked for it.
func TestLogLinesReachWhoAskedForThem(t *testing.T) {
	t.Parallel()
	e, _, _ := behind(t, Options{})
	lines := make(chan any, 8)
	me := connect(t, e, "2026-07-28", &sdk.ClientOptions{
		//nolint:staticcheck // servers of older revisions log
		LoggingMessageHandler: func(_ context.Context, r *sdk.LoggingMessageRequest) { lines <- r.Params.Data },
	})
	if got, err := text(t.Context(), me, "log"); got != "logged" {
		t.Fatalf("got %q, %v", got, err)
	}
	params := &sdk.CallToolParams{Name: "log", Meta: sdk.Meta{"io.modelcontextprotocol/logLevel": "info"}}
	if _, err := me.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-lines:
		if got != "noted" || len(lines) > 0 {
			t.Errorf("got %v and %d more, want one line", got, len(lines))
		}
	case <-time.After(patience):
		t.Error("no log line arrived")
	}
}

// The command hears that nobody waits for a call, and goes on with others.
func TestACancelledCallIsCancelledInTheCommand(t *testing.T) {
	t.Parallel()
	e, _, log := behind(t, Options{})
	me := e.SignIn("octocat")
	before := whoami(me)
	end, failed := blocked(t, e, "octocat")
	end()
	if err := <-failed; err == nil {
		t.Error("the cancelled call: got a result, want none")
	}
	log.says(t, "line=cancelled")
	if after := whoami(me); after.Pid != before.Pid {
		t.Errorf("got process %d, want %d as before", after.Pid, before.Pid)
	}
}

// comesTo makes a call as it goes over the wire, and checks that it comes to want, by the
// status and in an error under its id.
func comesTo(t *testing.T, e *mcptest.Endpoint, login, tool string, want *mcp.Unavailable) {
	t.Helper()
	call := `{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"` + tool + `"}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL, strings.NewReader(call))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	res, err := bearing(e.Token(login)).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		ID    string
		Error struct{ Message string }
	}
	err = json.NewDecoder(res.Body).Decode(&got)
	if err != nil || res.StatusCode != want.Status || got.ID != "x" || got.Error.Message != want.Text {
		t.Errorf("%s: got %d, %+v, %v; want %d, %q", tool, res.StatusCode, got, err, want.Status, want.Text)
	}
}

// blocked makes a call that waits, and returns when it does.
func blocked(t *testing.T, e *mcptest.Endpoint, login string) (end func(), failed <-chan error) {
	t.Helper()
	progress := make(chan struct{}, 1)
	me := e.Connect(login, &sdk.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *sdk.ProgressNotificationClientRequest) {
			progress <- struct{}{}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() {
		_, err := text(ctx, me.ClientSession, "wait")
		ended <- err
	}()
	select {
	case <-progress:
	case err := <-ended:
		t.Fatalf("the call ended: %v", err)
	}
	return cancel, ended
}

// A command that dies fails the calls that were sent, each with an error of its own, and
// is started again for the next one. Other people notice nothing.
func TestACommandThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	e, _, log := behind(t, Options{})
	me, other := e.SignIn("octocat"), e.SignIn("hubot")
	before, others := whoami(me), whoami(other)
	_, failed := blocked(t, e, "octocat")
	comesTo(t, e, "octocat", "die", errEnded)
	if err := <-failed; err == nil || !strings.Contains(err.Error(), errEnded.Text) {
		t.Errorf("the call whose stream had begun: got %v, want %q in it", err, errEnded.Text)
	}
	log.says(t, "the command ended by itself")
	log.says(t, "exit status 3")
	if after := whoami(me); after.Pid == before.Pid {
		t.Errorf("got process %d again", after.Pid)
	}
	if after := whoami(other); after.Pid != others.Pid {
		t.Errorf("the other person: got process %d, want %d as before", after.Pid, others.Pid)
	}
}

// Starts after early ends come later and later, and a caller is not held for that.
func TestACommandThatEndsAgainAndAgainIsStartedLaterAndLater(t *testing.T) {
	t.Parallel()
	for count, want := range map[int]time.Duration{
		0: 0, 1: 0, 2: 250 * time.Millisecond, 3: 500 * time.Millisecond, 8: 16 * time.Second, 9: 30 * time.Second,
		1000: 30 * time.Second,
	} {
		if got := (ends{count: count}).pause(); got != want {
			t.Errorf("after %d: got %s, want %s", count, got, want)
		}
	}
	caller := mcp.Caller{Person: store.Person{Subject: "github:1"}}
	p := people{most: 1, ends: map[string]ends{"github:1": {9, time.Now()}}}
	if _, _, err := p.use(t.Context(), caller); err == nil || !strings.Contains(err.Error(), "try again in 30s") {
		t.Errorf("got %v, want when to try again", err)
	}
}

// A process that nobody calls is ended, and another one started for the next call.
func TestAnIdleProcessIsEnded(t *testing.T) {
	t.Parallel()
	e, c, log := behind(t, Options{Idle: time.Nanosecond})
	me := e.SignIn("octocat")
	before := whoami(me)
	log.says(t, "the command was ended")
	if after := whoami(me); after.Pid == before.Pid {
		t.Errorf("got process %d again", after.Pid)
	}
	c.Close()
	comesTo(t, e, "octocat", "count", errClosed)
}

// No call is handed to a process that is asked to end, or that has ended already.
func TestNoCallMeetsTheEndOfAProcess(t *testing.T) {
	t.Parallel()
	_, c, _ := behind(t, Options{})
	caller := mcp.Caller{Person: store.Person{Subject: "github:1"}}
	first, release, err := c.people.use(t.Context(), caller)
	if err != nil {
		t.Fatal(err)
	}
	release()
	c.people.mu.Lock()
	l := c.people.living["github:1"]
	if l == nil || l.over() {
		t.Error("a process that runs: got none, or one that is over")
	}
	c.people.end("github:1", l)
	if kept := c.people.living["github:1"]; kept != nil {
		t.Error("a process that is asked to end is still there for calls")
	}
	c.people.mu.Unlock()
	second, release, err := c.people.use(t.Context(), caller)
	if err != nil || second == first {
		t.Errorf("got %v and the process that ends: %t", err, second == first)
	}
	release()
	<-first.gone
	if !l.over() {
		t.Error("a process that has ended is not over")
	}
}

// At the limit an idle process makes room, and one with a call does not.
func TestPeopleBeyondTheLimitWait(t *testing.T) {
	t.Parallel()
	e, _, _ := behind(t, Options{Most: 1})
	end, failed := blocked(t, e, "octocat")
	hubot := e.SignIn("hubot")
	comesTo(t, e, "hubot", "count", errBusy)
	end()
	if err := <-failed; err == nil {
		t.Error("the cancelled call: got a result, want none")
	}
	late := time.After(patience)
	for {
		_, err := text(t.Context(), hubot.ClientSession, "count")
		if err == nil {
			return
		}
		select {
		case <-late:
			t.Fatalf("an idle process makes no room: %v", err)
		default:
		}
	}
}

// A command that is not there, ends at once, or speaks something else stops the start with
// a sentence that says which, and what it said.
func TestABadCommandStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"not there":    {[]string{"no-such-server"}, []string{"no-such-server cannot be started", "not found"}},
		"ends at once": {as("broken"), []string{"is no MCP server", "exit status 3", "API_KEY is not set"}},
		"no JSON-RPC":  {as("chatty"), []string{"is no MCP server", "its standard output cannot be read"}},
	} {
		_, err := New(t.Context(), Options{Args: c.args, Most: 1, Log: slog.New(slog.DiscardHandler)})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", name, err, want)
			}
		}
	}
}

// A server of 2026-07-28 alone, which has no handshake, works as well.
func TestAServerWithoutHandshake(t *testing.T) {
	t.Parallel()
	e, _, _ := behind(t, Options{Args: as("modern")})
	if got, err := text(t.Context(), e.SignIn("octocat").ClientSession, "hello"); got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A structured result goes on as it is written, and what is no result is said to be none.
func TestAStructuredResultIsKept(t *testing.T) {
	t.Parallel()
	const raw = `{"content":[],"structuredContent":{"z":9007199254740993,"a":1.0}}`
	res, err := methods["tools/call"].decode(json.RawMessage(raw), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(res); !strings.Contains(string(got), `{"z":9007199254740993,"a":1.0}`) {
		t.Errorf("got %s, want the structured content of %s", got, raw)
	}
	for _, odd := range []string{`[]`, `null`, `{"content":7}`} {
		if res, err := methods["tools/call"].decode(json.RawMessage(odd), false); err == nil {
			t.Errorf("%s: got %v, want an error", odd, res)
		}
	}
}

// A result has what its caller's revision wants, also of a command that has never heard of it: a
// client of 2026-07-28 may refuse it otherwise. Nothing is for shared caches (CCH-02).
func TestAResultIsCompleteForItsCaller(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, raw string
		modern      bool
		want        string
	}{
		{"tools/list", `{"tools":[]}`, true, `{"cacheScope":"private","resultType":"complete","tools":[],"ttlMs":0}`},
		{"tools/list", `{"tools":[]}`, false, `{"cacheScope":"private","tools":[],"ttlMs":0}`},
		{"tools/list", `{"tools":[],"cacheScope":"public","ttlMs":5}`, false,
			`{"cacheScope":"private","tools":[],"ttlMs":5}`},
		{"tools/call", `{"content":[]}`, true, `{"content":[],"resultType":"complete"}`},
		{"tools/call", `{"content":[]}`, false, `{"content":[]}`},
		{"resources/read", `{"contents":[]}`, true,
			`{"cacheScope":"private","contents":[],"resultType":"complete","ttlMs":0}`},
		{"prompts/get", `{"messages":[]}`, true, `{"messages":[],"resultType":"complete"}`},
	} {
		res, err := methods[c.method].decode(json.RawMessage(c.raw), c.modern)
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.raw, err)
		}
		raw, err := json.Marshal(res)
		var sorted map[string]any
		if err == nil {
			err = json.Unmarshal(raw, &sorted)
		}
		if got, _ := json.Marshal(sorted); string(got) != c.want || err != nil {
			t.Errorf("%s %s, modern %t: got %s, %v; want %s", c.method, c.raw, c.modern, got, err, c.want)
		}
	}
}

// The command has nobody to ask, and is told so.
func TestTheCommandCannotAsk(t *testing.T) {
	t.Parallel()
	e, _, _ := behind(t, Options{})
	got, err := text(t.Context(), e.SignIn("octocat").ClientSession, "ask")
	if err != nil || got == "<nil>" || got == "" {
		t.Errorf("got %q, %v; want that it cannot", got, err)
	}
}

// With the server its processes end, those that ignore being asked and those that the
// command started included (MP-27).
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	e, c, _ := behind(t, Options{Args: as("stubborn")})
	var got seen
	e.SignIn("octocat").Call("spawn", nil, &got)
	c.Close()
	for _, pid := range []int{got.Pid, got.Child} {
		late := time.After(patience)
		for syscall.Kill(pid, 0) == nil && !zombie(pid) {
			select {
			case <-late:
				t.Fatalf("process %d runs on", pid)
			default:
			}
		}
	}
}
