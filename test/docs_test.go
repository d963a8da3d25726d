package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern-dev/postern/test/internal/rig"
)

// docs/conformance.md names tests; each must be there.
func TestConformancePageNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	root := rig.Root(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := os.ReadFile(name)
		code.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1) {
		if !strings.Contains(code.String(), "func "+name+"(") {
			t.Errorf("docs/conformance.md: got %s, which no package has", name)
		}
	}
}

// Pages are read beside code and in diffs, so no line is longer than 130 columns but a table's.
func TestPagesHaveNoLongLines(t *testing.T) {
	t.Parallel()
	root := rig.Root(t)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("got %v, %v, want the pages", pages, err)
	}
	below, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, below...)
	for _, name := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(page), "\n") {
			if n := utf8.RuneCountInString(line); n > 130 && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d: got %d columns, want 130 or fewer", filepath.Base(name), i+1, n)
			}
		}
	}
}

// Who begins here reads one page; what it leaves to others is linked.
func TestContributingIsOnePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(rig.Root(t), "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "\n"); n > 60 {
		t.Errorf("CONTRIBUTING.md: got %d lines, want 60 or fewer: move what grew to docs/ and link it", n)
	}
}
