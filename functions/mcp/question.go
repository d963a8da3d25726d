package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Question is for the person at the client. A tool returns it as its error; the client
// asks, and calls the tool again with the same arguments, where [Answered] has the answer
// (MCP 2026-07-28, multi round-trip requests). Clients that cannot ask are told so.
type Question struct {
	// Message is what the person reads.
	Message string
	// Form is a JSON schema, an object whose members are strings, numbers or booleans. Nil
	// asks for yes or no alone.
	Form any
	// State comes back with the answer. The client sees only that there is some: it is sealed
	// for this person, client, tool and arguments, for ten minutes. It may come back twice.
	State []byte
}

// Error returns the message.
func (q *Question) Error() string { return q.Message }

// An Answer is what the person said to a [Question].
type Answer struct {
	Accepted bool           // false if they declined, or closed the form
	Form     map[string]any // their input; it was checked by nobody
	State    []byte         // what the question had
}

// Answered returns the answer that came with this call, or false if none did. Its context
// is that of the tool.
func Answered(ctx context.Context) (Answer, bool) {
	a, ok := ctx.Value(answerContext{}).(Answer)
	return a, ok
}

// Progress tells the client how far the tool is, of total if that is not 0. It does nothing
// if the client did not ask for that. Its context is that of the tool.
func Progress(ctx context.Context, done, total float64, message string) {
	req, ok := ctx.Value(turnContext{}).(*sdk.CallToolRequest)
	if !ok || req.Params.GetProgressToken() == nil {
		return
	}
	// The client left if this fails; the context says so too.
	_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{
		ProgressToken: req.Params.GetProgressToken(), Progress: done, Total: total, Message: message,
	})
}

type (
	answerContext struct{}
	turnContext   struct{}
)

// questionID names the one question of a turn.
const questionID = "question"

// A turn is one call of a tool: the first, or one that brings an answer.
type turn struct {
	deps      Deps
	caller    Caller
	req       *sdk.CallToolRequest
	arguments any
}

// begin returns the context for the tool.
func (t turn) begin(ctx context.Context) (context.Context, error) {
	ctx = context.WithValue(ctx, turnContext{}, t.req)
	p := t.req.Params
	if len(p.InputResponses) == 0 && p.RequestState == "" {
		return ctx, nil
	}
	purpose, err := t.purpose()
	if err != nil {
		return nil, err
	}
	state, err := t.deps.Open(ctx, t.caller, purpose, p.RequestState)
	if errors.Is(err, ErrState) {
		return nil, invalidParams("the answer is to no question that was asked here lately; call the tool anew")
	}
	if err != nil {
		return nil, err
	}
	said, ok := p.InputResponses[questionID].(*sdk.ElicitResult)
	if !ok {
		return nil, invalidParams("the question has no answer")
	}
	answer := Answer{Accepted: said.Action == "accept", Form: said.Content, State: state}
	return context.WithValue(ctx, answerContext{}, answer), nil
}

// ask returns a question as the SDK sends it.
func (t turn) ask(ctx context.Context, q *Question) (*sdk.CallToolResult, error) {
	if t.req.ProtocolVersion() < version20260728 {
		return nil, Problem("this tool has a question to you that your client cannot show: use a newer client")
	}
	can := t.req.ClientCapabilities()
	if can == nil || can.Elicitation == nil {
		need := &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{}}
		return nil, missing(need)
	}
	purpose, err := t.purpose()
	if err != nil {
		return nil, err
	}
	state, err := t.deps.Seal(ctx, t.caller, purpose, q.State)
	if err != nil {
		return nil, err
	}
	form := q.Form
	if form == nil {
		form = map[string]any{"type": "object", "properties": map[string]any{}}
	}
	return &sdk.CallToolResult{
		InputRequests: sdk.InputRequestMap{questionID: &sdk.ElicitParams{
			Mode: "form", Message: q.Message, RequestedSchema: form,
		}},
		RequestState: state,
	}, nil
}

// purpose binds state to the tool and its arguments.
func (t turn) purpose() (string, error) {
	arguments, err := json.Marshal(t.arguments)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(t.req.Params.Name+"\x00"), arguments...))
	return "question " + hex.EncodeToString(sum[:]), nil
}

// missing says which capability the client would need. The SDK leaves that to tools.
func missing(need *sdk.ClientCapabilities) *jsonrpc.Error {
	data, err := json.Marshal(sdk.MissingRequiredClientCapabilityData{RequiredCapabilities: need})
	if err != nil {
		panic(err) // it is made of our own words
	}
	return &jsonrpc.Error{
		Code:    sdk.CodeMissingRequiredClientCapabilities,
		Message: "the client must be able to ask the person", Data: data,
	}
}
