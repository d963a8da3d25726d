package rows

import (
	"bufio"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page of design has a line for each module that one of ours requires, and for no other.
func TestThePageOfDependenciesNamesEachModule(t *testing.T) {
	t.Parallel()
	required, named := directModules(t), namedModules(t)
	covers := func(name, module string) bool {
		return name == module || strings.HasPrefix(name, module+"/") || strings.HasPrefix(module, name+"/")
	}
	for module, by := range required {
		if !slices.ContainsFunc(named, func(name string) bool { return covers(name, module) }) {
			t.Errorf("%s, which %s requires: docs/design.md has no line", module, by)
		}
	}
	modules := slices.Collect(maps.Keys(required))
	for _, name := range named {
		if !slices.ContainsFunc(modules, func(module string) bool { return covers(name, module) }) {
			t.Errorf("%s in docs/design.md: no module of ours requires it", name)
		}
	}
	if len(named) < 20 {
		t.Errorf("found %d names in docs/design.md, want the whole table", len(named))
	}
}

var (
	requirement = regexp.MustCompile(`^(?:require )?(\S+\.\S+/\S+) v\S+$`) // without "// indirect"
	major       = regexp.MustCompile(`/v\d+$`)
)

// directModules are the modules that ours require, and one of ours that does.
func directModules(t *testing.T) map[string]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "go.mod", "*/go.mod")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for file := range strings.FieldsSeq(string(files)) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			found := requirement.FindStringSubmatch(strings.TrimSpace(line))
			if found != nil && !strings.Contains(found[1], "postern-dev/") {
				all[strings.TrimPrefix(major.ReplaceAllString(found[1], ""), "github.com/")] = file
			}
		}
	}
	return all
}

// namedModules are the names in the table of docs/design.md.
func namedModules(t *testing.T) []string {
	t.Helper()
	page, err := os.Open(filepath.Join(root, "docs/design.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	var names []string
	inside := false
	for lines := bufio.NewScanner(page); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "| module |"):
			inside = true
		case !strings.HasPrefix(line, "|"):
			inside = false
		case inside && !strings.HasPrefix(line, "|--"):
			cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			names = append(names, strings.Split(cell, ", ")...)
		}
	}
	return names
}
