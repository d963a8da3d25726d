// Command cmd starts the register function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/register"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.Main("register", register.Build(drivers.All)) }
