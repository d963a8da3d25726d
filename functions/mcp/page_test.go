package mcp

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// What docs/tools.md shows is a module that compiles, and whose test passes.
func TestThePageOnToolsIsAProgramThatWorks(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	must(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "tools.md"))
	must(t, err)
	dir := t.TempDir()
	files := regexp.MustCompile("(?s)```go\n// (\\S+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f[1]))
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(f[2]), 0o644))
	}
	if len(files) != 4 {
		t.Errorf("the page has %d files, want hello.go, its test, cmd/main.go and more.go", len(files))
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
}
