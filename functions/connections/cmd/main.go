// Command cmd starts the connections function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/connections"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.Main("connections", connections.Build(drivers.All)) }
