package mcp

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/tools.md shows is a module that compiles, and whose test passes: the first three files alone, as
// somebody meets them who follows the page, and then with the fourth.
func TestThePageOnToolsIsAProgramThatWorks(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	must(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "tools.md"))
	must(t, err)
	dir := t.TempDir()
	files := regexp.MustCompile("(?s)```go\n// (\\S+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(files) != 4 {
		t.Fatalf("the page has %d files, want hello.go, its test, cmd/main.go and more.go", len(files))
	}
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(text), 0o644))
	}
	for _, f := range files[:3] {
		write(f[1], f[2])
	}
	sums, err := os.ReadFile("go.sum")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644))
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	run("mod", "init", "example.com/hello")
	for _, module := range []string{"functions/mcp", "shared", "test/kit"} {
		const house = "github.com/postern-dev/postern/"
		run("mod", "edit", "-replace", house+module+"="+filepath.Join(root, module), "-require", house+module+"@v0.0.0")
	}
	run("vet", "./...")
	run("test", "./...")

	parts := regexp.MustCompile("(?s)\t\tParts: .*?\n\t\t}.*?\n")
	appended := parts.FindString(string(page[strings.Index(string(page), "## More than a tool"):]))
	write(files[0][1], parts.ReplaceAllLiteralString(files[0][2], appended))
	write(files[3][1], files[3][2])
	run("vet", "./...")
	run("test", "./...")
}
