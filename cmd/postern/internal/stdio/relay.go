package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Options are what there is to say about a command.
type Options struct {
	Args []string      // the command and its arguments
	Most int           // processes at a time, one for each person
	Idle time.Duration // how long one waits for a call before it is ended; 0 means ten minutes
	Log  *slog.Logger
}

const idleTime = 10 * time.Minute

// A Command is an MCP server that speaks over standard input and output, with a process
// for each person who uses it. It is safe for concurrent use.
type Command struct {
	people people
	about  about
	lists  map[string]json.RawMessage // what is there to begin with, by method
}

// New tries the command and returns it. An error says what to change.
func New(ctx context.Context, o Options) (*Command, error) {
	if o.Idle == 0 {
		o.Idle = idleTime
	}
	c := &Command{lists: map[string]json.RawMessage{}, people: people{
		args: o.Args, most: o.Most, idle: o.Idle, log: o.Log,
		living: map[string]*living{}, ends: map[string]ends{},
	}}
	process, peer, err := open(ctx, o.Args, environment(os.Environ(), nil), o.Log)
	if err != nil {
		return nil, err
	}
	defer process.stop()
	c.about = peer.about
	for name, m := range methods {
		if m.list == "" || !m.has(c.about.Capabilities) {
			continue
		}
		if c.lists[name], err = peer.list(ctx, name, m.list); err != nil {
			return nil, fmt.Errorf("%s does not answer %s: %w", o.Args[0], name, err)
		}
	}
	return c, nil
}

// Close ends every process of the command and waits for that.
func (c *Command) Close() { c.people.close() }

// Describe is the command as an author's server, for mcp.BuildServer.
func (c *Command) Describe(mcp.Deps) mcp.Server {
	name := c.about.Info.Name
	if name == "" {
		name = filepath.Base(c.people.args[0])
	}
	return mcp.Server{
		Name: name, Title: c.about.Info.Title, Version: c.about.Info.Version,
		Instructions: c.about.Instructions,
		Options:      sdk.ServerOptions{Capabilities: c.capabilities()},
		Parts: []mcp.Part{mcp.Raw(func(s *sdk.Server) {
			s.AddReceivingMiddleware(c.relay)
		})},
	}
}

// capabilities are those of the command without notices that need a session.
func (c *Command) capabilities() *sdk.ServerCapabilities {
	has, told := c.about.Capabilities, &sdk.ServerCapabilities{}
	if has.Tools != nil {
		told.Tools = &sdk.ToolCapabilities{}
	}
	if has.Prompts != nil {
		told.Prompts = &sdk.PromptCapabilities{}
	}
	if has.Resources != nil {
		told.Resources = &sdk.ResourceCapabilities{}
	}
	if has.Completions != nil {
		told.Completions = &sdk.CompletionCapabilities{}
	}
	if has.Logging != nil {
		told.Logging = &sdk.LoggingCapabilities{} //nolint:staticcheck // servers of older revisions log
	}
	return told
}

// A method is one that the command answers, if it has what the method is about.
type method struct {
	has    func(capabilities) bool
	result func() sdk.Result
	list   string // the member of the result that lists, if it does
}

func hasTools(c capabilities) bool       { return c.Tools != nil }
func hasPrompts(c capabilities) bool     { return c.Prompts != nil }
func hasResources(c capabilities) bool   { return c.Resources != nil }
func hasCompletions(c capabilities) bool { return c.Completions != nil }

var methods = map[string]method{
	"tools/list":     {hasTools, func() sdk.Result { return &sdk.ListToolsResult{} }, "tools"},
	"tools/call":     {hasTools, func() sdk.Result { return &sdk.CallToolResult{} }, ""},
	"prompts/list":   {hasPrompts, func() sdk.Result { return &sdk.ListPromptsResult{} }, "prompts"},
	"prompts/get":    {hasPrompts, func() sdk.Result { return &sdk.GetPromptResult{} }, ""},
	"resources/list": {hasResources, func() sdk.Result { return &sdk.ListResourcesResult{} }, "resources"},
	"resources/templates/list": {
		hasResources, func() sdk.Result { return &sdk.ListResourceTemplatesResult{} }, "resourceTemplates",
	},
	"resources/read":      {hasResources, func() sdk.Result { return &sdk.ReadResourceResult{} }, ""},
	"completion/complete": {hasCompletions, func() sdk.Result { return &sdk.CompleteResult{} }, ""},
}

// relay hands what the command answers to the caller's own process of it. Without a caller
// the endpoint itself asks what there is.
func (c *Command) relay(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, name string, req sdk.Request) (sdk.Result, error) {
		m, ok := methods[name]
		if !ok || !m.has(c.about.Capabilities) {
			return next(ctx, name, req)
		}
		caller, ok := mcp.CallerOf(req)
		if !ok {
			return m.decode(c.lists[name], false)
		}
		telemetry.Add(ctx, slog.String("upstream", c.people.args[0]))
		raw, err := c.ask(ctx, caller, name, req)
		if err != nil {
			return nil, told(ctx, err)
		}
		versioned, ok := req.(interface{ ProtocolVersion() string })
		return m.decode(raw, ok && versioned.ProtocolVersion() >= modernVersion)
	}
}

// ask puts a request of a caller to their process.
func (c *Command) ask(ctx context.Context, caller mcp.Caller, name string, req sdk.Request) (json.RawMessage, error) {
	params, err := paramsFor(caller, req.GetParams())
	if err != nil {
		return nil, err
	}
	peer, release, err := c.people.use(ctx, caller)
	if err != nil {
		return nil, err
	}
	defer release()
	return peer.call(ctx, name, params, func(n *jsonrpc.Request) { pass(ctx, req, n) })
}

// pass sends a notice of the command to the caller whose request it is about. The SDK
// leaves out what they did not ask for.
func pass(ctx context.Context, req sdk.Request, n *jsonrpc.Request) {
	session, ok := req.GetSession().(*sdk.ServerSession)
	if !ok {
		return
	}
	switch n.Method {
	case "notifications/progress":
		token, asked := req.GetParams().GetMeta()[progressToken]
		var p sdk.ProgressNotificationParams
		if asked && json.Unmarshal(n.Params, &p) == nil {
			p.ProgressToken = token
			_ = session.NotifyProgress(ctx, &p) // the caller left; ctx has it
		}
	case "notifications/message":
		var p sdk.LoggingMessageParams //nolint:staticcheck // as above
		if json.Unmarshal(n.Params, &p) == nil {
			_ = session.Log(ctx, &p) //nolint:staticcheck // as above
		}
	}
}

// errOdd says that the command answered, but not in MCP.
var errOdd = &mcp.Unavailable{
	Status: http.StatusBadGateway, Text: "the server behind this one gave a result that is none of MCP",
}

// decode reads a result, for a caller of 2026-07-28 if modern is true. The structured one of a
// tool is kept as it is written: numbers may have more digits than Go's.
func (m method) decode(raw json.RawMessage, modern bool) (sdk.Result, error) {
	res, all := m.result(), object(nil)
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return nil, errOdd
	}
	complete(all, res, modern)
	if err := json.Unmarshal(encode(all), res); err != nil {
		return nil, errOdd
	}
	if called, ok := res.(*sdk.CallToolResult); ok && called.StructuredContent != nil {
		var as struct {
			Structured json.RawMessage `json:"structuredContent"`
		}
		if err := json.Unmarshal(raw, &as); err != nil {
			return nil, err
		}
		called.StructuredContent = as.Structured
	}
	return res, nil
}

// complete puts in what revision 2026-07-28 wants of a result and a command of an older one
// does not say. The SDK does that for results of its own alone. What a process says is one
// person's, so it stays out of shared caches (CCH-02, MP-09).
func complete(all object, res sdk.Result, modern bool) {
	if _, ok := res.(sdk.CacheableResult); ok {
		all["cacheScope"] = encode("private")
	}
	if all["resultType"] == nil && modern {
		all["resultType"] = encode("complete")
	}
}

// told is an error as the caller reads it. One of the command is answered as it is; what has
// no words for callers stands in the request's line of the log.
func told(ctx context.Context, err error) error {
	if wire, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return wire
	}
	if unavailable, ok := errors.AsType[*mcp.Unavailable](err); ok {
		return unavailable
	}
	if ctx.Err() == nil {
		telemetry.Add(ctx, slog.String("outcome", "fault"), slog.String("cause", err.Error()))
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "internal error"}
}

// list asks for all pages of a list.
func (s *peer) list(ctx context.Context, name, member string) (json.RawMessage, error) {
	items, params := []json.RawMessage{}, object{}
	for range 1000 {
		raw, err := s.call(ctx, name, params, nil)
		if err != nil {
			return nil, err
		}
		var page object
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, err
		}
		var some []json.RawMessage
		if err := json.Unmarshal(page[member], &some); err != nil {
			return nil, err
		}
		items = append(items, some...)
		cursor := page["nextCursor"]
		if cursor == nil || string(cursor) == "null" || string(cursor) == `""` {
			return encode(map[string]any{member: items}), nil
		}
		params["cursor"] = cursor
	}
	return nil, errors.New("the list has no end")
}
