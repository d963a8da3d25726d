// Command gendocs writes the tables of metrics and of security events into a page, between
// the markers that name this command:
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

// A table stands between two markers of its name.
type table struct {
	name string
	rows func() string
}

var tables = []table{{"metrics", metrics}, {"events", events}}

func (t table) begin() string {
	return "<!-- " + t.name + ": written by go run ./shared/telemetry/gendocs -->\n"
}
func (t table) end() string { return "<!-- /" + t.name + " -->" }

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("want the page to write the table into")
	}
	page, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	text := string(page)
	for _, t := range tables {
		before, rest, found := strings.Cut(text, t.begin())
		_, after, closed := strings.Cut(rest, t.end())
		if !found || !closed {
			log.Fatalf("%s has no markers %q and %q", os.Args[1], t.begin(), t.end())
		}
		text = before + t.begin() + t.rows() + t.end() + after
	}
	if err := os.WriteFile(os.Args[1], []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

func metrics() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| metric | labels | answers |")
	fmt.Fprintln(&b, "|---|---|---|")
	for _, m := range telemetry.Metrics {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", m.Name, strings.Join(m.Labels, "` `"), m.Question)
	}
	return b.String()
}

func events() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| event | severity | fields | meaning |")
	fmt.Fprintln(&b, "|---|---|---|---|")
	for _, e := range telemetry.Events {
		level, fields := strings.ToLower(e.Level.String()), strings.Join(e.Fields, "` `")
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", e.Name, level, fields, e.Meaning)
	}
	return b.String()
}
