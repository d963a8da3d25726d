package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/storecopy"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// An operator copies, hands over, and goes on with the records and rings in the new store; the old
// one refuses everything until it is reopened.
func TestStoreCopyHandsOver(t *testing.T) {
	dir, url := t.TempDir(), postgres.Database(t)
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	old := "embedded:" + dir
	cmd := func(args ...string) (string, string, error) { return run(t.Context(), args...) }
	if _, _, err := cmd("store", "copy", "--from", old, "--to", url); err == nil ||
		!strings.Contains(err.Error(), "postern store migrate") {
		t.Errorf("without tables: got %v, want the command that makes them", err)
	}
	if _, _, err := cmd("store", "migrate", "--store", url); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := cmd("store", "copy", "--from", old, "--to", url)
	const counts = "clients     3        3       0        0"
	if err != nil || !strings.Contains(out, counts) || !strings.Contains(errOut, "--finish") {
		t.Fatalf("got %s%s%v, want three clients copied and what comes next", out, errOut, err)
	}
	if _, _, err := cmd("stats", "--store", url, "--keys", filepath.Join(dir, "keys")); err == nil ||
		!strings.Contains(err.Error(), "filling") {
		t.Errorf("before the end: got %v, want the new store to refuse", err)
	}
	if _, _, err := cmd("grants", "revoke", "--user", "mona", "--yes", "--store", old); err != nil {
		t.Fatal(err)
	}
	_, _, err = cmd("store", "copy", "--from", old, "--to", url, "--finish", "--stopped")
	if cli.Status(err) != cli.Misuse {
		t.Errorf("without --yes: got %v, want to be asked", err)
	}
	out, _, err = cmd("store", "copy", "--from", old, "--to", url, "--finish", "--stopped", "--yes", "--json")
	var answer struct{ Items []storecopy.Count }
	if err != nil || json.Unmarshal([]byte(out), &answer) != nil || len(answer.Items) != 6 ||
		answer.Items[2] != (storecopy.Count{Collection: "grants", Records: 3, Copied: 1}) {
		t.Fatalf("got %s, %v, want the ended grant copied", out, err)
	}
	out, _, err = cmd("grants", "list", "--store", url, "--keys", filepath.Join(dir, "keys"))
	if err != nil || strings.Count(out, "octocat") != 2 || strings.Contains(out, "mona") {
		t.Errorf("in the new store: got %s, %v, want the two grants that live", out, err)
	}
	if _, _, err := cmd("stats", "--store", old); err == nil || !strings.Contains(err.Error(), "moved") {
		t.Errorf("the old store: got %v, want it to refuse", err)
	}
	if _, _, err := cmd("store", "reopen", "--store", old); cli.Status(err) != cli.Misuse {
		t.Errorf("reopen without --yes: got %v, want to be asked", err)
	}
	if _, _, err := cmd("store", "reopen", "--store", old, "--yes"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := cmd("stats", "--store", old); err != nil || !strings.Contains(out, "clients") {
		t.Errorf("reopened: got %s, %v, want it in use", out, err)
	}
}

func TestStoreCopyWantsTwoStores(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "--from embedded:a", "--to embedded:a", "--from embedded:a --to embedded:a",
		"--from embedded:a --to embedded:b --stopped", "--from embedded:a --to embedded:b --dry-run --finish",
	} {
		args := append([]string{"store", "copy"}, strings.Fields(line)...)
		if _, _, err := run(t.Context(), args...); cli.Status(err) != cli.Misuse {
			t.Errorf("%q: got %v, want a wrong command line", line, err)
		}
	}
	dir := t.TempDir()
	_, _, err := run(t.Context(), "store", "copy", "--from", "embedded:"+dir, "--to", "embedded:"+t.TempDir())
	if cli.Status(err) != cli.Failed || !strings.Contains(err.Error(), "there is no store in") {
		t.Errorf("a directory without a store: got %v, want that said", err)
	}
}
