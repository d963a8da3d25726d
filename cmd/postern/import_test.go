package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Of what another server took, nothing comes that REDIRECT_SCHEMES forbids here.
func TestImportKeepsToRedirectSchemes(t *testing.T) {
	dir, old := t.TempDir(), t.TempDir()
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"oauth_clients-info.json": `{"collection": "oauth_clients"}`,
		"oauth_clients/app.json":  `{"client_id": "app", "redirect_uris": ["com.example.app://cb/"]}`,
	} {
		file := filepath.Join(old, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("REDIRECT_SCHEMES", "cursor")
	out, _, err := run(t.Context(), "import", "fastmcp", "--from", "file:"+old, "--store", "embedded:"+dir, "--apply")
	if err != nil || !strings.Contains(out, "it takes cursor") {
		t.Errorf("got %s, %v; want the client skipped with the schemes that are taken", out, err)
	}
}
