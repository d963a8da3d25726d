// Command print prints the version that it was linked with.
package main

import (
	"fmt"

	"github.com/postern-dev/postern/shared/version"
)

func main() { fmt.Print(version.String()) }
