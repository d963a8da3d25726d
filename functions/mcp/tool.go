package mcp

import (
	"context"
	"errors"
	"log/slog"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/telemetry"
)

// A Tool is something that clients can call. [NewTool] and [Raw] make one.
type Tool struct {
	name   string
	scopes []string
	add    func(*sdk.Server, *slog.Logger)
}

// A Problem is a failure of a tool that the person at the client should read. Say what
// they can do about it. Any other error is logged, and the person reads that the tool
// failed.
type Problem string

// Error returns the text.
func (p Problem) Error() string { return string(p) }

// NewTool returns a tool that runs f. About names and describes it; its schemas are
// made from In and Out, which are structs with json tags and, for descriptions,
// jsonschema tags. Arguments are checked against the schema before f runs. A
// [Problem] that f returns reaches the person; what f returns is the structured
// result, and as JSON text for clients that read no other.
//
// f runs at the same time for many callers and must keep nothing of one in a variable
// that others see. Its context ends with the request.
func NewTool[In, Out any](about sdk.Tool, f func(context.Context, Caller, In) (Out, error)) Tool {
	return Tool{name: about.Name, add: func(s *sdk.Server, log *slog.Logger) {
		call := func(ctx context.Context, req *sdk.CallToolRequest, in In) (*sdk.CallToolResult, Out, error) {
			var none Out
			caller, ok := CallerOf(req)
			if !ok {
				return nil, none, Problem("the server does not know who calls")
			}
			out, err := f(ctx, caller, in)
			if err != nil {
				return nil, none, readable(ctx, log, about.Name, err)
			}
			return nil, out, nil
		}
		sdk.AddTool(s, &about, call)
	}}
}

// Raw returns a tool, prompt or resource that add adds to the SDK's server itself, for
// what [NewTool] cannot do, such as progress or pictures. name is what clients call it by.
// [CallerOf] tells who calls.
func Raw(name string, add func(*sdk.Server)) Tool {
	return Tool{name: name, add: func(s *sdk.Server, _ *slog.Logger) { add(s) }}
}

// Needs returns the tool with scopes that a token must have beside "mcp". A client
// without them is told to ask for them (step-up), so they must be among the scopes that
// the token endpoint grants.
func (t Tool) Needs(scopes ...string) Tool {
	t.scopes = scopes
	return t
}

// readable returns what the person may read of an error and logs the rest.
func readable(ctx context.Context, log *slog.Logger, tool string, err error) error {
	if p, ok := errors.AsType[Problem](err); ok {
		if err != error(p) { //nolint:errorlint // is there more to it than the problem itself
			log.LogAttrs(ctx, slog.LevelWarn, "tool could not answer",
				slog.String("tool", tool), slog.Any("error", err))
		}
		return p
	}
	log.LogAttrs(ctx, slog.LevelError, "tool failed", slog.String("tool", tool), slog.Any("error", err))
	return Problem("the tool failed; the operator finds the reason under request " + telemetry.RequestID(ctx))
}
