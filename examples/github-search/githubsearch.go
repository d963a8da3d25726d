// Package githubsearch lets a model search what the person has on GitHub: their own
// repositories and the issues in them. Its tools are search and fetch in the form that
// ChatGPT wants for connectors and deep research, which other clients can use as well.
//
// Private repositories need GITHUB_SCOPES=repo; without it, what is public is found.
package githubsearch

import (
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the platform's build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

func init() { functions.HTTP("tools", mcp.Handler(New)) }

// New describes the server.
func New(d mcp.Deps) mcp.Server {
	t := tools{d}
	reads := func(title string) *sdk.ToolAnnotations {
		return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true}
	}
	return mcp.Server{
		Name: "github-search", Title: "My GitHub", Version: "1.0.0",
		Instructions: "Finds things in the person's own repositories and issues on GitHub. " +
			"Search first, then fetch what looks right by its id.",
		Parts: []mcp.Part{
			mcp.NewTool(sdk.Tool{
				Name: "search", Annotations: reads("Search my GitHub"),
				Description: "Searches the person's own GitHub repositories, and the issues in them.",
			}, t.search),
			mcp.NewTool(sdk.Tool{
				Name: "fetch", Annotations: reads("Read from my GitHub"),
				Description: "Returns the whole text of a repository's README, or of an issue with its comments.",
			}, t.fetch),
		},
	}
}

type tools struct{ mcp.Deps }
