package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Server is what an author hands to [Serve]: what the server calls itself, and its parts.
type Server struct {
	// Name, Title, Version, Website and Icons are told to clients. A name is required; without
	// a title it is SERVER_NAME.
	Name, Title, Version string
	Website              string
	Icons                []sdk.Icon
	// Instructions tell a model what the server is good for.
	Instructions string
	// ListsChange says that what somebody may see can change while they are connected, by
	// [Part.OnlyFor]. Clients of revision 2026-07-28 may then wait on a stream to be told; open
	// ones look again every REVOCATION_MAX_AGE, and at [Deps.ListsChanged].
	ListsChange bool
	// Options are the SDK's, for what is not said here. Unset, the capabilities are those of
	// a server without sessions, and answers stay out of shared caches. Completion and
	// subscriptions are said at the parts ([Part.Completing], [Part.Watched]).
	Options sdk.ServerOptions
	// Parts are what clients can use.
	Parts []Part
}

// A Part is a tool, prompt, resource or template, or several of them in a [Raw] part.
type Part struct {
	name   string // for errors, and unless raw what clients use it by
	kind   kind
	scopes []string
	may    func(Caller) bool // nil lets everybody
	add    func(*sdk.Server, Deps)
	input  any // the schema of a tool's arguments, if its author gave one

	complete func(context.Context, Caller, Completion) ([]string, error) // nil completes nothing
	watch    func(context.Context, Caller, string, func()) error         // nil watches nothing
}

// A kind is what a part is; raw parts may be of several kinds.
type kind string

const (
	tool     kind = "tool"
	prompt   kind = "prompt"
	resource kind = "resource"
	template kind = "template"
	raw      kind = ""
)

// NewTool returns a tool that runs f. About names and describes it; its schemas are made
// from In and Out. In is a struct with json tags and, for descriptions, jsonschema tags;
// arguments are checked against its schema before f runs.
//
// What f returns is the structured result, and as JSON text for clients that read no other.
// Out may be any type that JSON has: what is not an object is wrapped as {"result": …}, since
// clients before 2026-07-28 take objects alone. [Result] adds pictures, audio and links to
// a value, and [Content] is for tools that return nothing else. [Progress] tells how far f is.
//
// An error is told by its kind: a [Problem] reaches the person, a *[Question] asks them, a
// *jsonrpc.Error is answered as it is, and of any other the person reads that the tool failed.
//
// f runs at the same time for many callers and must keep nothing of one in a variable
// that others see. Its context ends with the request.
func NewTool[In, Out any](about sdk.Tool, f func(context.Context, Caller, In) (Out, error)) Part {
	forms := sync.OnceValue(func() toolForms { return formsOf[In, Out](about) })
	return Part{name: about.Name, kind: tool, input: about.InputSchema, add: func(s *sdk.Server, d Deps) {
		forms := forms()
		about, input, shape := forms.about, forms.input, forms.output
		s.AddTool(&about, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			var in In
			if err := input.read(req.Params.Arguments, &in); err != nil {
				return failure(err), nil
			}
			caller, err := callerOf(req)
			if err != nil {
				return nil, err
			}
			turn := &turn{
				deps: d, caller: caller, req: req, session: req.Session,
				used: name{tool, about.Name}, with: in, came: req.Params.InputResponses, state: req.Params.RequestState,
			}
			out, ask, err := run(ctx, turn, func(ctx context.Context) (Out, error) { return f(ctx, caller, in) })
			switch {
			case err != nil:
				return failure(err), nil
			case ask != nil:
				return &sdk.CallToolResult{InputRequests: ask.inputs, RequestState: ask.state}, nil
			}
			return shape.result(out)
		})
	}}
}

// toolForms are what a typed tool tells of itself and how it is checked: worked out once, for
// every server that has it.
type toolForms struct {
	about  sdk.Tool
	input  schema
	output shape
}

// formsOf makes what about leaves out. It panics as [shapeOf] does.
func formsOf[In, Out any](about sdk.Tool) toolForms {
	output := shapeOf[Out](about.OutputSchema)
	if about.OutputSchema == nil && output.made != nil {
		about.OutputSchema = output.made
	}
	if about.InputSchema == nil {
		about.InputSchema = inputSchema[In]()
	}
	input, err := newSchema(about.InputSchema)
	if err != nil {
		panic(fmt.Errorf("input schema: %w", err))
	}
	return toolForms{about, input, output}
}

// failure is a tool's result that [masked] makes readable.
func failure(err error) *sdk.CallToolResult {
	res := &sdk.CallToolResult{}
	res.SetError(err)
	return res
}

// NewPrompt returns a prompt that f writes, from the arguments that about lists. Errors are
// those of [NewTool].
func NewPrompt(
	about sdk.Prompt, f func(context.Context, Caller, map[string]string) (*sdk.GetPromptResult, error),
) Part {
	return Part{name: about.Name, kind: prompt, add: func(s *sdk.Server, d Deps) {
		s.AddPrompt(&about, func(ctx context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			caller, err := callerOf(req)
			if err != nil {
				return nil, err
			}
			for _, a := range about.Arguments {
				if _, ok := req.Params.Arguments[a.Name]; a.Required && !ok {
					return nil, invalidParams("the prompt needs the argument " + a.Name)
				}
			}
			turn := &turn{
				deps: d, caller: caller, req: req, session: req.Session, used: name{prompt, about.Name},
				with: req.Params.Arguments, came: req.Params.InputResponses, state: req.Params.RequestState,
			}
			res, ask, err := run(ctx, turn, func(ctx context.Context) (*sdk.GetPromptResult, error) {
				return f(ctx, caller, req.Params.Arguments)
			})
			switch {
			case err != nil:
				return nil, err
			case ask != nil:
				return &sdk.GetPromptResult{InputRequests: ask.inputs, RequestState: ask.state}, nil
			case res == nil:
				return nil, errors.New("the prompt is nil")
			}
			own := *res // the SDK writes into it, and f may give it to everybody
			own.Meta = maps.Clone(res.Meta)
			return &own, nil
		})
	}}
}

// NewResource returns a resource that f reads. The address and the media type of what it
// returns are those of about, if f says no other. Errors are those of [NewPrompt].
func NewResource(about sdk.Resource, f func(context.Context, Caller) (*sdk.ResourceContents, error)) Part {
	read := func(ctx context.Context, c Caller, _ string) (*sdk.ResourceContents, error) { return f(ctx, c) }
	return Part{name: about.URI, kind: resource, add: func(s *sdk.Server, d Deps) {
		s.AddResource(&about, reader(d, read))
	}}
}

// NewTemplate returns resources whose addresses fit a template (RFC 6570). f reads the one
// of an address; sdk.ResourceNotFoundError says that there is none.
func NewTemplate(
	about sdk.ResourceTemplate, f func(ctx context.Context, c Caller, uri string) (*sdk.ResourceContents, error),
) Part {
	return Part{name: about.URITemplate, kind: template, add: func(s *sdk.Server, d Deps) {
		s.AddResourceTemplate(&about, reader(d, f))
	}}
}

func reader(d Deps, f func(context.Context, Caller, string) (*sdk.ResourceContents, error)) sdk.ResourceHandler {
	return func(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		caller, err := callerOf(req)
		if err != nil {
			return nil, err
		}
		turn := &turn{
			deps: d, caller: caller, req: req, session: req.Session,
			used: name{resource, req.Params.URI}, came: req.Params.InputResponses, state: req.Params.RequestState,
		}
		contents, ask, err := run(ctx, turn, func(ctx context.Context) (*sdk.ResourceContents, error) {
			return f(ctx, caller, req.Params.URI)
		})
		switch {
		case err != nil:
			return nil, err
		case ask != nil:
			return &sdk.ReadResourceResult{InputRequests: ask.inputs, RequestState: ask.state}, nil
		case contents == nil:
			return nil, errors.New("the resource is nil")
		}
		own := *contents // as above
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{&own}}, nil
	}
}

// Raw returns what add adds to the SDK's server itself, for what the others cannot do: a
// tool with a schema of its own making, middleware. [CallerOf] tells who calls. Scopes, who
// may see it, and what becomes of errors and panics are as for every other part. add may
// run several times, each time for another server, and must add the same.
func Raw(add func(*sdk.Server)) Part {
	return Part{name: "a raw part", kind: raw, add: func(s *sdk.Server, _ Deps) { add(s) }}
}

// Needs returns the part with scopes that a token must have beside "mcp" to use it. It is
// listed without them, so that a client finds it; a client that then uses it is told to ask
// for them (step-up), so the authorization server must know them.
func (p Part) Needs(scopes ...string) Part {
	p.scopes = slices.Clone(scopes)
	return p
}

// OnlyFor returns the part for those alone whom may lets in. To others it does not exist:
// it is neither listed nor found. may is asked for every request and must be quick.
func (p Part) OnlyFor(may func(Caller) bool) Part {
	p.may = may
	return p
}

// callerOf is [CallerOf] for handlers.
func callerOf(r sdk.Request) (Caller, error) {
	caller, ok := CallerOf(r)
	if !ok {
		return Caller{}, errors.New("the server does not know who calls")
	}
	return caller, nil
}

func invalidParams(why string) *jsonrpc.Error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "invalid params: " + why}
}

// String names a part in errors.
func (p Part) String() string {
	if p.kind == raw {
		return p.name
	}
	return fmt.Sprintf("the %s %q", p.kind, p.name)
}
