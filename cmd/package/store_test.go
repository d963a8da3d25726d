package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
)

// A function links one store: what another one needs is not even in its zip.
func TestAPackageHasOneStore(t *testing.T) {
	t.Parallel()
	const vendored = "vendor/"
	for over, names := range map[manifest.Store][]string{
		manifest.Firestore: {"register"}, manifest.Postgres: {"register", "cascade"},
	} {
		for _, name := range names {
			f, _ := manifest.ByName(name)
			_, names := packed(t, name, over)
			for _, file := range names {
				path, ok := strings.CutPrefix(filepath.ToSlash(filepath.Dir(file)), vendored)
				if never := f.Forbidden(path, over); ok && never != "" {
					t.Errorf("%s over %s: the zip has %s", name, over, file)
				}
			}
			want := map[manifest.Store]string{
				manifest.Firestore: "vendor/cloud.google.com/go/firestore/apiv1/firestorepb/firestore.pb.go",
				manifest.Postgres:  "vendor/github.com/jackc/pgx/v5/conn.go",
			}[over]
			if !slices.Contains(names, want) {
				t.Errorf("%s over %s: the zip lacks %s", name, over, want)
			}
		}
	}
}

// An author's package of tools brings functions/mcp over the same store.
func TestToolsHaveTheStoreOfTheirServer(t *testing.T) {
	t.Parallel()
	zipPath := filepath.Join(t.TempDir(), "mcp.zip")
	if _, err := pack(tools(t), zipPath, manifest.Postgres); err != nil {
		t.Fatal(err)
	}
	f, _ := manifest.ByName("mcp")
	names := namesIn(t, zipPath)
	if want := "vendor/github.com/postern-dev/postern/functions/mcp/function.go"; !slices.Contains(names, want) {
		t.Errorf("the zip lacks %s", want)
	}
	for _, file := range names {
		path, _ := strings.CutPrefix(filepath.ToSlash(filepath.Dir(file)), "vendor/")
		if never := f.Forbidden(path, manifest.Postgres); never != "" {
			t.Errorf("the zip has %s", file)
		}
	}
}

// tools makes a module of an author's, which needs what functions/mcp needs, and that.
func tools(t *testing.T) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	mcp, dir := filepath.Join(root, "functions", "mcp"), t.TempDir()
	goMod, err := os.ReadFile(filepath.Join(mcp, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/postern-dev/postern/functions/mcp"
	text := replaced.ReplaceAllStringFunc(string(goMod), func(to string) string {
		return "=> " + relative(t, dir, filepath.Join(mcp, filepath.FromSlash(strings.TrimPrefix(to, "=> "))))
	})
	text = strings.Replace(text, "module "+path, "module example.com/hello", 1) +
		"\nrequire " + path + " v0.0.0\n\nreplace " + path + " => " + relative(t, dir, mcp) + "\n"
	goSum, err := os.ReadFile(filepath.Join(mcp, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"go.mod": []byte(text), "go.sum": goSum, "hello.go": []byte("package hello\n\nimport _ \"" + path + "\"\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func relative(t *testing.T, from, to string) string {
	t.Helper()
	path, err := filepath.Rel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(path)
}

func TestStoreIsOneOfTheKnown(t *testing.T) {
	t.Parallel()
	if _, err := storeOf("embedded"); err == nil || !strings.Contains(err.Error(), "postgres") {
		t.Errorf("got %v, want an error that names the stores", err)
	}
}
