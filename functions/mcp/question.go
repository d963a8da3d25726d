package mcp

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Question is for the person at the client. A tool, prompt or resource returns it as its
// error; the client asks and sends the same request again, in which [Answered] has the answer
// (MCP 2026-07-28, multi round-trip requests). Another question may follow. Clients that
// cannot ask are told so.
type Question struct {
	// Message is what the person reads. It may be empty if there are Inputs.
	Message string
	// Form is a JSON schema, an object whose members are strings, numbers or booleans. Nil
	// asks for yes or no alone.
	Form any
	// Inputs are what else the client is to bring, under names of the author's: several forms
	// (*sdk.ElicitParams), what its model says (*sdk.CreateMessageParams), its roots
	// (*sdk.ListRootsParams). [ClientCan] tells what a client has of these.
	Inputs sdk.InputRequestMap
	// State comes back with the answer. The client sees only that there is some: it is sealed
	// for this person, client, part and arguments, for ten minutes. It may come back twice.
	State []byte
}

// Error returns the message.
func (q *Question) Error() string { return q.Message }

// An Answer is what came back to a [Question]. Nobody checked it.
type Answer struct {
	Accepted bool                 // false if the person declined something, or closed a form
	Form     map[string]any       // what they said to Message
	Inputs   sdk.InputResponseMap // what came for Inputs: one for each, of its kind
	State    []byte               // what the question had
}

// Answered returns the answer that came with this request, or false if none did: then the
// question is still to be asked. Its context is that of the part.
func Answered(ctx context.Context) (Answer, bool) {
	if t := turnOf(ctx); t != nil && t.answer != nil {
		return *t.answer, true
	}
	return Answer{}, false
}

// ClientCan returns what the client says it can do, such as to ask its model for a text. It
// is never nil. Its context is that of the part.
func ClientCan(ctx context.Context) *sdk.ClientCapabilities {
	if t := turnOf(ctx); t != nil {
		if can := t.req.ClientCapabilities(); can != nil {
			return can
		}
	}
	return &sdk.ClientCapabilities{}
}

// asked names what a client is to bring, as the state of a question has it: the method of
// each input by its name.
type asked map[string]string

const (
	// questionID names the one input that Message is.
	questionID = "question"

	elicit = "elicitation/create"
	sample = "sampling/createMessage"
	roots  = "roots/list"
)

// inputs are all that the client is to bring.
func (q *Question) inputs() sdk.InputRequestMap {
	all := sdk.InputRequestMap{}
	for name, input := range q.Inputs {
		if form, ok := input.(*sdk.ElicitParams); ok && form.Mode == "" {
			form := *form
			form.Mode, input = "form", &form
		}
		all[name] = input
	}
	if q.Message != "" {
		form := q.Form
		if form == nil {
			form = map[string]any{"type": "object", "properties": map[string]any{}}
		}
		all[questionID] = &sdk.ElicitParams{Mode: "form", Message: q.Message, RequestedSchema: form}
	}
	return all
}

func askedOf(inputs sdk.InputRequestMap) asked {
	a := asked{}
	for name, input := range inputs {
		switch input.(type) {
		case *sdk.ElicitParams:
			a[name] = elicit
		case *sdk.ListRootsParams:
			a[name] = roots
		default:
			a[name] = sample
		}
	}
	return a
}

// answer returns what came, or nil unless it is all that was asked. What nobody asked for is
// left out.
func (a asked) answer(came sdk.InputResponseMap, state []byte) *Answer {
	answer := &Answer{Accepted: true, Inputs: sdk.InputResponseMap{}, State: state}
	for name, method := range a {
		fits := false
		switch input := came[name].(type) {
		case *sdk.ElicitResult:
			fits = method == elicit
			answer.Accepted = answer.Accepted && input.Action == "accept"
			if name == questionID {
				answer.Form = input.Content
			}
		case *sdk.CreateMessageResult, *sdk.CreateMessageWithToolsResult:
			fits = method == sample
		case *sdk.ListRootsResult:
			fits = method == roots
		}
		if !fits {
			return nil
		}
		answer.Inputs[name] = came[name]
	}
	return answer
}

// lacks returns the capabilities that a client needs for inputs and does not have; nil if
// there are none.
func lacks(can *sdk.ClientCapabilities, inputs sdk.InputRequestMap) *sdk.ClientCapabilities {
	need, some := &sdk.ClientCapabilities{}, false
	for _, input := range inputs {
		switch input := input.(type) {
		case *sdk.ElicitParams:
			if input.Mode == "url" && (can.Elicitation == nil || can.Elicitation.URL == nil) {
				need.Elicitation, some = &sdk.ElicitationCapabilities{URL: &sdk.URLElicitationCapabilities{}}, true
			} else if can.Elicitation == nil {
				need.Elicitation, some = &sdk.ElicitationCapabilities{}, true
			}
		case *sdk.ListRootsParams:
			if can.RootsV2 == nil {
				need.RootsV2, some = &sdk.RootCapabilities{}, true
			}
		default:
			if can.Sampling == nil {
				need.Sampling, some = &sdk.SamplingCapabilities{}, true
			}
		}
	}
	if !some {
		return nil
	}
	return need
}

// missing says which capabilities the client would need. The SDK leaves that to tools.
func missing(need *sdk.ClientCapabilities) *jsonrpc.Error {
	data, err := json.Marshal(sdk.MissingRequiredClientCapabilityData{RequiredCapabilities: need})
	if err != nil {
		panic(err) // it is made of our own words
	}
	return &jsonrpc.Error{
		Code:    sdk.CodeMissingRequiredClientCapabilities,
		Message: "the client must be able to ask what this needs", Data: data,
	}
}

// kept is what the sealed state of a question has.
type kept struct {
	Asked asked  `json:"asked"`
	State []byte `json:"state,omitempty"`
}

// open reads the state that came back. It is false without one.
func (t *turn) open(ctx context.Context) error {
	if t.state == "" {
		return nil
	}
	purpose, err := t.purpose()
	if err != nil {
		return err
	}
	data, err := t.deps.Open(ctx, t.caller, purpose, t.state)
	if errors.Is(err, ErrState) {
		return invalidParams("the answer is to no question that was asked here lately; call anew")
	}
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return err
	}
	t.answer = k.Asked.answer(t.came, k.State)
	return nil
}

// ask returns a question as the SDK sends it.
func (t *turn) ask(ctx context.Context, q *Question) (*asking, error) {
	if t.req.ProtocolVersion() < version20260728 {
		return nil, Problem("there is a question to you that your client cannot show: use a newer client")
	}
	inputs := q.inputs()
	if need := lacks(ClientCan(ctx), inputs); need != nil {
		return nil, missing(need)
	}
	purpose, err := t.purpose()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(kept{Asked: askedOf(inputs), State: q.State})
	if err != nil {
		return nil, err
	}
	state, err := t.deps.Seal(ctx, t.caller, purpose, data)
	return &asking{inputs, state}, err
}
