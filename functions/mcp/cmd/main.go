// Command cmd starts the mcp function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.Main("mcp", mcp.Build(drivers.All)) }
