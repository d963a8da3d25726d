// Command cmd starts the cascade function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/cascade"
	"github.com/postern-dev/postern/shared/boot/serve"
	_ "github.com/postern-dev/postern/shared/store/embedded" // STORE=embedded:…
)

func main() { serve.Main("cascade", cascade.Build) }
