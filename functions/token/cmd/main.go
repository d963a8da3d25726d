// Command cmd starts the token function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/token"
	"github.com/postern-dev/postern/shared/boot/serve"
	_ "github.com/postern-dev/postern/shared/store/embedded" // STORE=embedded:…
)

func main() { serve.Main("token", token.Build) }
