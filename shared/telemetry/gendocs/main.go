// Command gendocs prints the table of security events for docs/operations.md.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/postern-dev/postern/shared/telemetry"
)

func main() { write(os.Stdout) }

func write(w io.Writer) {
	fmt.Fprintln(w, "| event | severity | fields | meaning |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, e := range telemetry.Events {
		fmt.Fprintf(w, "| `%s` | %s | `%s` | %s |\n", e.Name, strings.ToLower(e.Level.String()), strings.Join(e.Fields, "` `"), e.Meaning)
	}
}
