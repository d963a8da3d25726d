package main

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// What stands behind -- is one whole command, and the one thing that serves /mcp.
func TestACommandStandsBehindTheDashes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"serve node server.js":    `"node" is one argument too many`,
		"serve node -- server.js": `"node" is one argument too many`,
		"dev --":                  "the command behind -- is missing",
		"dev --upstream http://127.0.0.1:9000/mcp -- node x.js":     "leave --upstream and --tools out",
		"dev --tools http://127.0.0.1:8080 -- node x.js --upstream": "leave --upstream and --tools out",
		"serve --processes 0 -- node x.js":                          "--processes 0: want 1 or more",
		"serve --processes 3":                                       "--processes is for a command behind --",
	} {
		_, _, err := run(t.Context(), strings.Fields(line)...)
		if cli.Status(err) != cli.Misuse || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

// A command that cannot be started stops the start, beside every other problem.
func TestABadCommandStopsTheStart(t *testing.T) {
	production(t, map[string]string{"CODE_TTL": "10h"})
	_, _, err := run(t.Context(), "serve", "--data", t.TempDir(), "--behind-proxy", "--", "no-such-server")
	for _, want := range []string{"no-such-server cannot be started", "CODE_TTL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("serve: got %v, want %q in it", err, want)
		}
	}
	t.Setenv("MCP_UPSTREAM_URL", "")
	t.Setenv("IDENTITY_PROVIDER", "")
	_, _, err = run(t.Context(), "dev", "--data", t.TempDir(), "--", "no-such-server")
	if err == nil || !strings.Contains(err.Error(), "no-such-server cannot be started") {
		t.Errorf("dev: got %v, want that it cannot be started", err)
	}
}
