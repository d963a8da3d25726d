package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
)

func packed(t *testing.T, name string, over manifest.Store) (path string, names []string) {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name+".zip")
	if _, err := pack(filepath.Join(root, "functions", name), path, over); err != nil {
		t.Fatal(err)
	}
	return path, namesIn(t, path)
}

func namesIn(t *testing.T, path string) (names []string) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}

// terraform names an object by its content: an unchanged function must not look changed.
func TestAnUnchangedFunctionGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	one, _ := packed(t, "wellknown", manifest.Firestore)
	two, _ := packed(t, "wellknown", manifest.Firestore)
	first, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two packings of one tree differ")
	}
}

func TestAPackageHasWhatItNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	_, names := packed(t, "authorize", manifest.Firestore)
	for _, want := range []string{
		"go.mod", "go.sum", "function.go", "consent.html", "vendor/modules.txt",
		"vendor/github.com/postern-dev/postern/shared/store/store.go",
		"vendor/github.com/GoogleCloudPlatform/functions-framework-go/funcframework/framework.go",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("the zip lacks %s", want)
		}
	}
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "cmd/"), strings.HasPrefix(name, "testdata/"), name == "go.work",
			strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "vendor/"),
			strings.HasPrefix(name, "vendor/modernc.org/sqlite"), strings.Contains(name, "shared/store/embedded"),
			strings.HasPrefix(name, "vendor/github.com/postern-dev/postern/test/"),
			strings.HasPrefix(name, "vendor/golang.org/x/tools/"):
			t.Errorf("the zip has %s", name)
		}
	}
}
