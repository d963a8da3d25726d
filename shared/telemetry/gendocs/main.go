// Command gendocs writes the table of security events into a page, between the
// markers that name this command:
//
//	go run ./telemetry/gendocs ../docs/operations.md
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/postern-dev/postern/shared/telemetry"
)

const (
	begin = "<!-- events: written by go run ./shared/telemetry/gendocs -->\n"
	end   = "<!-- /events -->"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("want the page to write the table into")
	}
	page, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		log.Fatalf("%s has no markers %q and %q", os.Args[1], begin, end)
	}
	if err := os.WriteFile(os.Args[1], []byte(before+begin+table()+end+after), 0o644); err != nil {
		log.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| event | severity | fields | meaning |")
	fmt.Fprintln(&b, "|---|---|---|---|")
	for _, e := range telemetry.Events {
		level, fields := strings.ToLower(e.Level.String()), strings.Join(e.Fields, "` `")
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", e.Name, level, fields, e.Meaning)
	}
	return b.String()
}
