// Package report draws figures: a tool with progress and a picture, one that needs more
// rights than the others, a prompt that leads a model to them and a resource that explains
// what they take.
package report

import (
	"context"
	_ "embed"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the platform's build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

func init() { functions.HTTP("tools", mcp.Handler(New)) }

// ScopeCertify is what the tool certify needs beside mcp. SCOPES has to have it.
const ScopeCertify = "certify"

//go:embed format.md
var format string

// New describes the server.
func New(d mcp.Deps) mcp.Server {
	draws := &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true}
	certify := func(ctx context.Context, c mcp.Caller, in Figures) (mcp.Result[Report], error) {
		return certified(ctx, d, c, in)
	}
	return mcp.Server{
		Name: "report", Title: "Reports", Version: "1.0.0",
		Instructions: "Draws figures that you have. Read report://format before the first report.",
		Parts: []mcp.Part{
			mcp.NewTool(sdk.Tool{
				Name: "report", Description: "Draws figures as bars and sums them up.", Annotations: draws,
			}, plain),
			mcp.NewTool(sdk.Tool{
				Name: "certify", Annotations: draws,
				Description: "Draws a report for which the person stands with their name.",
			}, certify).Needs(ScopeCertify),
			mcp.NewPrompt(sdk.Prompt{
				Name: "quarter", Title: "Report on a quarter",
				Description: "Collects the figures of a quarter and draws them.",
				Arguments:   []*sdk.PromptArgument{{Name: "subject", Description: "what to report on", Required: true}},
			}, quarter),
			mcp.NewResource(sdk.Resource{
				Name: "format", Title: "What a report takes", URI: "report://format", MIMEType: "text/markdown",
			}, func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) {
				return &sdk.ResourceContents{Text: format}, nil
			}),
		},
	}
}

func quarter(_ context.Context, c mcp.Caller, arguments map[string]string) (*sdk.GetPromptResult, error) {
	text := "Collect the figures of the last quarter about " + arguments["subject"] + ", one for each month. " +
		"Draw them with the tool report. Then tell " + c.Person.Login + " in three sentences what stands out."
	return &sdk.GetPromptResult{
		Messages: []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}},
	}, nil
}
