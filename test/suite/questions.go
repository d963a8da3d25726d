package suite

import (
	"context"
	"encoding/json"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

// questions are the tools that need something of the client before they can answer. Those in
// the second half are of revisions before 2026-07-28, in which a server asks in mid-call; they
// are the same tools, and their callers are told that it cannot.
func questions() []mcp.Part {
	confirm, state := form("Please confirm", "ok", "boolean"), []byte("state-ok")
	return []mcp.Part{
		asking("test_input_required_result_elicitation", nil, sdk.InputRequestMap{"user_name": name}),
		asking("test_input_required_result_sampling", nil,
			sdk.InputRequestMap{"capital_question": completion("What is the capital of France?")}),
		asking("test_input_required_result_list_roots", nil,
			sdk.InputRequestMap{"client_roots": &sdk.ListRootsParams{}}),
		asking("test_input_required_result_request_state", state, sdk.InputRequestMap{"confirm": confirm}),
		asking("test_input_required_result_tampered_state", state, sdk.InputRequestMap{"confirm": confirm}),
		asking("test_input_required_result_multiple_inputs", state, sdk.InputRequestMap{
			"user_name": name, "greeting": completion("Generate a greeting"), "client_roots": &sdk.ListRootsParams{},
		}),
		asking("test_missing_capability", nil, sdk.InputRequestMap{"greeting": completion("Generate a greeting")}),
		mcp.NewTool(sdk.Tool{Name: "test_input_required_result_multi_round", Description: "Asks twice."}, twice),
		mcp.NewTool(sdk.Tool{
			Name: "test_input_required_result_capabilities", Description: "Asks what the client can answer.",
		}, fitting),

		asking("test_sampling", nil, sdk.InputRequestMap{"reply": completion("Test prompt for sampling")}),
		asking("test_elicitation", nil, sdk.InputRequestMap{"reply": form("Who are you?", "username", "string")}),
		asking("test_elicitation_sep1034_defaults", nil, sdk.InputRequestMap{"reply": defaults}),
		asking("test_elicitation_sep1330_enums", nil, sdk.InputRequestMap{"reply": enums}),
	}
}

// asking is a tool that asks once, and says what came.
func asking(name string, state []byte, inputs sdk.InputRequestMap) mcp.Part {
	return mcp.NewTool(sdk.Tool{Name: name, Description: "Asks the client, and says what came."},
		func(ctx context.Context, _ mcp.Caller, _ map[string]any) (string, error) {
			answer, ok := mcp.Answered(ctx)
			if !ok {
				return "", &mcp.Question{Inputs: inputs, State: state}
			}
			came, err := json.Marshal(answer.Inputs)
			return fmt.Sprintf("%s %s", answer.State, came), err
		})
}

var name = form("What is your name?", "name", "string")

// form asks for one thing.
func form(message, member, kind string) *sdk.ElicitParams {
	return &sdk.ElicitParams{Message: message, RequestedSchema: map[string]any{
		"type": "object", "required": []string{member},
		"properties": map[string]any{member: map[string]any{"type": kind}},
	}}
}

// completion asks the client's model.
func completion(text string) *sdk.CreateMessageParams {
	return &sdk.CreateMessageParams{
		MaxTokens: 100, Messages: []*sdk.SamplingMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}},
	}
}

// twice asks for a name, and then for a color; the state remembers the name.
func twice(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
	answer, ok := mcp.Answered(ctx)
	said := func(of, member string) string {
		if form, ok := answer.Inputs[of].(*sdk.ElicitResult); ok {
			return fmt.Sprint(form.Content[member])
		}
		return ""
	}
	switch {
	case !ok:
		return "", &mcp.Question{
			State:  []byte("?"),
			Inputs: sdk.InputRequestMap{"step1": form("Step 1: What is your name?", "name", "string")},
		}
	case string(answer.State) == "?":
		return "", &mcp.Question{
			State:  []byte(said("step1", "name")),
			Inputs: sdk.InputRequestMap{"step2": form("Step 2: What is your favorite color?", "color", "string")},
		}
	}
	return string(answer.State) + " likes " + said("step2", "color"), nil
}

// fitting asks for a name, a text, or both.
func fitting(ctx context.Context, _ mcp.Caller, _ mcp.None) (string, error) {
	if _, ok := mcp.Answered(ctx); ok {
		return "answered", nil
	}
	inputs := sdk.InputRequestMap{}
	if mcp.ClientCan(ctx).Elicitation != nil {
		inputs["user_name"] = name
	}
	if mcp.ClientCan(ctx).Sampling != nil {
		inputs["greeting"] = completion("Generate a greeting")
	}
	if len(inputs) == 0 {
		return "there is nothing that this client can answer", nil
	}
	return "", &mcp.Question{Inputs: inputs}
}

// Forms with defaults and with choices.
var (
	defaults = &sdk.ElicitParams{Message: "Test defaults for primitives", RequestedSchema: json.RawMessage(`{
		"type": "object",
		"properties": {
			"name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer", "default": 30},
			"score": {"type": "number", "default": 95.5}, "verified": {"type": "boolean", "default": true},
			"status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"}
		}
	}`)}
	enums = &sdk.ElicitParams{Message: "Test enum schemas", RequestedSchema: json.RawMessage(`{
		"type": "object",
		"properties": {
			"untitledSingle": {"type": "string", "enum": ["option1", "option2"]},
			"titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"}]}
		}
	}`)}
)
