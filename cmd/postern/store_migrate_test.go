package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestStoreMigrateMakesTheTablesOnce(t *testing.T) {
	url := postgres.Database(t)
	out, errOut, err := run(t.Context(), "store", "migrate", "--store", url)
	if err != nil || !strings.Contains(out, "now (they were 0)") {
		t.Fatalf("got %q, %q, %v, want tables that were not there", out, errOut, err)
	}
	out, _, err = run(t.Context(), "store", "migrate", "--store", url, "--grant", postgres.User, "--json")
	var answer struct{ Items []migrated }
	if err != nil || json.Unmarshal([]byte(out), &answer) != nil || len(answer.Items) != 1 ||
		answer.Items[0].From != answer.Items[0].To || answer.Items[0].Granted != 1 {
		t.Errorf("again: got %s, %v, want nothing to do and one role granted", out, err)
	}
	// The operator's commands work there.
	out, errOut, err = run(t.Context(), "stats", "--store", url, "--keys", t.TempDir())
	if !strings.Contains(out, "clients") {
		t.Errorf("stats: got %q, %q, %v, want a table", out, errOut, err)
	}
}

func TestStoreMigrateIsForPostgresAlone(t *testing.T) {
	t.Parallel()
	_, _, err := run(t.Context(), "store", "migrate", "--store", "embedded:"+t.TempDir())
	if cli.Status(err) != cli.Misuse || !strings.Contains(err.Error(), "postgres://") {
		t.Errorf("got %v, want an error about the command line that says what to name", err)
	}
}

// A database that cannot be reached is named without its password.
func TestStoreMigrateHidesThePassword(t *testing.T) {
	t.Parallel()
	_, _, err := run(t.Context(), "store", "migrate", "--store", "postgres://me:secret@127.0.0.1:1/postern")
	if err == nil || !strings.Contains(err.Error(), "me:xxxxx@127.0.0.1:1") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error that names the store without its password", err)
	}
}
