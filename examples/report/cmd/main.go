// Command cmd serves the example: on this computer beside postern dev (docs/tools.md).
package main

import (
	"github.com/postern-dev/postern/examples/report"
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { mcp.Serve(report.New, drivers.All) }
