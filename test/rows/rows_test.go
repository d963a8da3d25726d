package rows

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the repository, from here.
const root = "../.."

func TestRowsAndCodeSayTheSame(t *testing.T) {
	t.Parallel()
	var rows []row
	for page, series := range pages {
		data, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		more, problems := readPage(string(data), series)
		for _, p := range problems {
			t.Errorf("%s: %s", page, p)
		}
		rows = append(rows, more...)
	}
	for _, p := range check(rows, mentionsBelow(t, root), exists) {
		t.Error(p)
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join(root, path))
	return path != "" && err == nil
}

// kinds are the endings of files that are read.
var kinds = []string{".go", ".txtar", ".md", ".tf", ".hcl", ".yaml", ".yml", ".mjs", ".ts", ".html", ".sh"}

func mentionsBelow(t *testing.T, dir string) (named []mention) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(path, d.Name())
		}
		if !slices.Contains(kinds, filepath.Ext(path)) {
			return nil
		}
		data, err := os.ReadFile(path)
		file, _ := filepath.Rel(dir, path)
		for _, id := range idsIn(path, string(data)) {
			named = append(named, mention{id, file, isTest(path)})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// skip leaves out what is not ours, hidden directories, npm packages and built
// packages, and this test, whose inputs look like ids.
func skip(path, name string) error {
	own := path == filepath.Join(root, "test", "rows")
	hidden := strings.HasPrefix(name, ".") && name != ".." && name != "."
	if own || hidden || name == "node_modules" || name == "dist" {
		return fs.SkipDir
	}
	return nil
}

func isTest(path string) bool {
	return strings.HasSuffix(path, "_test.go") ||
		strings.HasSuffix(path, ".txtar") || strings.HasSuffix(path, ".tftest.hcl")
}
