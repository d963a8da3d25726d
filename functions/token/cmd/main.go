// Command cmd starts the token function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/token"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store/drivers"
)

func main() { serve.Main("token", token.Build(drivers.All)) }
