// Command cmd starts the authorize function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/authorize"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.Main("authorize", authorize.Build(drivers.All)) }
