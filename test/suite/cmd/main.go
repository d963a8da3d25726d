// Command cmd serves the suite's tools beside a postern dev.
package main

import (
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/store/drivers"
	"github.com/postern-dev/postern/test/suite"
)

func main() { mcp.Serve(suite.New, drivers.All) }
