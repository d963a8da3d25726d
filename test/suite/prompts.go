package suite

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

type arguments = map[string]string

func prompts() []mcp.Part {
	return []mcp.Part{
		writing(sdk.Prompt{Name: "test_simple_prompt"}, func(arguments) *sdk.GetPromptResult {
			return said(&sdk.TextContent{Text: "This is a simple prompt for testing."})
		}),
		writing(sdk.Prompt{
			Name: "test_prompt_with_arguments",
			Arguments: []*sdk.PromptArgument{
				{Name: "arg1", Description: "First test argument", Required: true},
				{Name: "arg2", Description: "Second test argument", Required: true},
			},
		}, func(a arguments) *sdk.GetPromptResult {
			text := fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", a["arg1"], a["arg2"])
			return said(&sdk.TextContent{Text: text})
		}).Completing(places),
		writing(sdk.Prompt{
			Name:      "test_prompt_with_embedded_resource",
			Arguments: []*sdk.PromptArgument{{Name: "resourceUri", Description: "What to embed", Required: true}},
		}, func(a arguments) *sdk.GetPromptResult {
			return said(embedded(a["resourceUri"], "Embedded resource content for testing."),
				&sdk.TextContent{Text: "Please process the embedded resource above."})
		}),
		writing(sdk.Prompt{Name: "test_prompt_with_image"}, func(arguments) *sdk.GetPromptResult {
			return said(&sdk.ImageContent{MIMEType: "image/png", Data: picture},
				&sdk.TextContent{Text: "Please analyze the image above."})
		}),
		mcp.NewPrompt(sdk.Prompt{Name: "test_input_required_result_prompt", Description: "Asks for context."},
			func(ctx context.Context, _ mcp.Caller, _ arguments) (*sdk.GetPromptResult, error) {
				answer, ok := mcp.Answered(ctx)
				if !ok {
					return nil, &mcp.Question{Inputs: sdk.InputRequestMap{
						"user_context": form("What context should the prompt use?", "context", "string"),
					}}
				}
				reply, _ := answer.Inputs["user_context"].(*sdk.ElicitResult)
				return said(&sdk.TextContent{Text: fmt.Sprint("Context: ", reply.Content["context"])}), nil
			}),
	}
}

func writing(about sdk.Prompt, write func(arguments) *sdk.GetPromptResult) mcp.Part {
	about.Description, about.Icons = "Is a prompt.", icons
	return mcp.NewPrompt(about, func(_ context.Context, _ mcp.Caller, a arguments) (*sdk.GetPromptResult, error) {
		return write(a), nil
	})
}

// said is what a person says.
func said(content ...sdk.Content) *sdk.GetPromptResult {
	res := &sdk.GetPromptResult{}
	for _, c := range content {
		res.Messages = append(res.Messages, &sdk.PromptMessage{Role: "user", Content: c})
	}
	return res
}

// places suggests what begins as the person did.
func places(_ context.Context, _ mcp.Caller, c mcp.Completion) ([]string, error) {
	var found []string
	for _, place := range []string{"paris", "park", "party", "test"} {
		if c.Argument == "arg1" && strings.HasPrefix(place, c.Begun) {
			found = append(found, place)
		}
	}
	return found, nil
}
