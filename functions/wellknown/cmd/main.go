// Command cmd starts the wellknown function alone, under functions-framework.
package main

import (
	"github.com/postern-dev/postern/functions/wellknown"
	"github.com/postern-dev/postern/shared/boot/serve"
)

func main() { serve.Main("wellknown", wellknown.Build) }
