package mcp

import (
	"context"
	"errors"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Completion is what a person has typed of an argument (MCP, Completion).
type Completion struct {
	Argument string            // its name; of a template, the variable's
	Begun    string            // what they typed
	Others   map[string]string // arguments that they have settled
}

// maxCompletions is how many values MCP lets an answer have.
const maxCompletions = 100

// Completing returns the prompt or template with f, which suggests values for its arguments,
// the best first. Of more than a hundred the client is told the number of the others.
// Errors are those of [NewTool], without questions.
func (p Part) Completing(f func(context.Context, Caller, Completion) ([]string, error)) Part {
	p.complete = f
	return p
}

// checkUse reports what was said of a part that is not for its kind.
func (p Part) checkUse() error {
	switch {
	case p.complete != nil && p.kind != prompt && p.kind != template:
		return errors.New("Completing is for prompts and templates")
	case p.watch != nil && p.kind != resource && p.kind != template:
		return errors.New("Watched is for resources and templates")
	}
	return nil
}

// complete answers completion/complete for the parts of a view. What has no suggestions has
// none; scoped has settled that it is there.
func (v *view) complete(ctx context.Context, req *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
	c, ok := v.completers[refOf(req.Params.Ref)]
	if !ok {
		if v.completeElse != nil {
			return v.completeElse(ctx, req)
		}
		return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: []string{}}}, nil
	}
	caller, err := callerOf(req)
	if err != nil {
		return nil, err
	}
	in := Completion{Argument: req.Params.Argument.Name, Begun: req.Params.Argument.Value}
	if req.Params.Context != nil {
		in.Others = req.Params.Context.Arguments
	}
	values, err := c(ctx, caller, in)
	if err != nil {
		return nil, err
	}
	cut := append([]string{}, values[:min(len(values), maxCompletions)]...) // never null
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{
		Values: cut, Total: len(values), HasMore: len(cut) < len(values),
	}}, nil
}

// refOf returns the prompt or template that a reference is to.
func refOf(ref *sdk.CompleteReference) name {
	if ref.Type == "ref/prompt" {
		return name{prompt, ref.Name}
	}
	return name{template, ref.URI}
}
