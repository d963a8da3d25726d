// Command cmd serves the example: on this computer beside postern dev (docs/tools.md).
package main

import (
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/store/drivers"

	githubsearch "github.com/postern-dev/postern/examples/github-search"
)

func main() { mcp.Serve(githubsearch.New, drivers.All) }
