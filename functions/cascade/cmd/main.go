// Command cmd starts the cascade function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/cascade"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.MainEvent("cascade", cascade.Build(drivers.All)) }
