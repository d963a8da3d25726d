package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/telemetry"
)

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOperationsPageListsEveryEvent(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	want.WriteString("| event | severity | fields | meaning |\n|---|---|---|---|\n")
	for _, e := range telemetry.Events {
		level, fields := strings.ToLower(e.Level.String()), strings.Join(e.Fields, "` `")
		fmt.Fprintf(&want, "| `%s` | %s | `%s` | %s |\n", e.Name, level, fields, e.Meaning)
	}
	_, rest, _ := strings.Cut(read(t, "docs", "operations.md"),
		"<!-- events: written by go run ./shared/telemetry/gendocs -->\n")
	got, _, _ := strings.Cut(rest, "<!-- /events -->")
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("run make docs (-want +got):\n%s", diff)
	}
}

func TestEveryAlertHasAPlaybook(t *testing.T) {
	t.Parallel()
	page := read(t, "docs", "operations.md")
	alerts := read(t, "terraform", "modules", "alerts", "main.tf") +
		read(t, "terraform", "modules", "alerts", "uptime.tf")
	titles := regexp.MustCompile(`(?:title|\n  display_name) +?= "([^"$]+)"`).FindAllStringSubmatch(alerts, -1)
	if len(titles) == 0 {
		t.Fatal("no alert found")
	}
	for _, title := range titles {
		if !strings.Contains(page, "\n### "+title[1]+"\n") {
			t.Errorf("docs/operations.md has no section %q", title[1])
		}
	}
	if got, want := strings.Count(page, "\n### Postern: "), len(titles); got != want {
		t.Errorf("docs/operations.md has %d sections about alerts, want %d", got, want)
	}
}

func TestOperationsPageNamesEveryCommand(t *testing.T) {
	t.Parallel()
	page, out := read(t, "docs", "operations.md"), cli.New(nil, io.Discard, io.Discard)
	groups := []*cobra.Command{
		newKeys(out), newClients(out), newGrants(out), newUsers(out), newStats(out), newImport(out),
	}
	for _, group := range groups {
		if len(group.Commands()) == 0 && !strings.Contains(page, "postern "+group.Name()) {
			t.Errorf("docs/operations.md does not name postern %s", group.Name())
		}
		for _, cmd := range group.Commands() {
			if !strings.Contains(page, group.Name()+" "+cmd.Name()) {
				t.Errorf("docs/operations.md does not name %s %s", group.Name(), cmd.Name())
			}
		}
	}
}
