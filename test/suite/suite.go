// Package suite is an author's server: the tools, prompts and resources by which the official
// conformance suite tests a server. The suite fixes their names, and what they answer
// (@modelcontextprotocol/conformance, "Server Implementation Requirements" of each scenario).
// It is written with nothing but what functions/mcp offers every author, so that the suite
// tests that too.
package suite

import (
	"context"
	"encoding/base64"
	"slices"
	"sync/atomic"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

// New describes the server.
func New(d mcp.Deps) mcp.Server {
	return mcp.Server{
		Name: "suite", Title: "Suite", Version: "1.0.0", Icons: icons, ListsChange: true,
		Parts: slices.Concat(tools(), notices(), changes(d), questions(), prompts(), resources()),
	}
}

var icons = []sdk.Icon{{
	Source:   "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture),
	MIMEType: "image/png", Sizes: []string{"1x1"},
}}

// A picture of one red dot, and a sound of silence.
var (
	picture = decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==")
	sound   = decode("UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=")
)

func decode(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err) // it stands above
	}
	return data
}

// embedded is a resource inside of something else.
func embedded(uri, text string) *sdk.EmbeddedResource {
	return &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: uri, MIMEType: "text/plain", Text: text}}
}

// changes are two parts that are there every other time, and two tools that turn that over.
func changes(d mcp.Deps) []mcp.Part {
	var tool, prompt atomic.Bool
	turn := func(name string, there *atomic.Bool) mcp.Part {
		return mcp.NewTool(sdk.Tool{Name: name, Description: "Changes a list."},
			func(context.Context, mcp.Caller, mcp.None) (string, error) {
				there.Store(!there.Load())
				d.ListsChanged()
				return "changed", nil
			})
	}
	nothing := func(context.Context, mcp.Caller, mcp.None) (string, error) { return "here", nil }
	empty := func(context.Context, mcp.Caller, map[string]string) (*sdk.GetPromptResult, error) {
		return said(&sdk.TextContent{Text: "here"}), nil
	}
	return []mcp.Part{
		turn("test_trigger_tool_change", &tool), turn("test_trigger_prompt_change", &prompt),
		mcp.NewTool(sdk.Tool{Name: "test_now_and_then", Description: "Is there every other time."}, nothing).
			OnlyFor(func(mcp.Caller) bool { return tool.Load() }),
		mcp.NewPrompt(sdk.Prompt{Name: "test_now_and_then", Description: "Is there every other time."}, empty).
			OnlyFor(func(mcp.Caller) bool { return prompt.Load() }),
	}
}
