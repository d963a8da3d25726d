package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/config"
)

func TestConfigurationPageIsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(render(config.Settings), string(got)); diff != "" {
		t.Errorf("%s differs from the table, run go generate ./config (-want +got):\n%s", page, diff)
	}
}
