package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// That the records could not be looked for does not mean that there are none: new keys
// would make every one of them unreadable.
func TestDevMakesNoKeysWhereItCannotLook(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devEnvironment(file); err == nil || !strings.Contains(err.Error(), "look for records") {
		t.Errorf("got %v, want that it could not look", err)
	}
}

// The form of the log is one of three.
func TestDevRefusesAnUnknownFormOfLog(t *testing.T) {
	t.Parallel()
	_, _, err := run(t.Context(), "dev", "--data", t.TempDir(), "--log", "xml")
	if err == nil || !strings.Contains(err.Error(), "want auto, text or json") {
		t.Errorf("got %v, want the forms", err)
	}
}
