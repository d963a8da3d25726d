package shared_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A workspace builds with the newest version that any module wants, a function's zip with
// the function's own. Only where all want the same does a test say something of a zip.
func TestModulesWantTheSameVersions(t *testing.T) {
	t.Parallel()
	wanted := map[string][]string{} // versions of a dependency
	by := map[string][]string{}     // the modules that want a version
	for _, dir := range workspaceModules(t) {
		var mod struct {
			Module  struct{ Path string }
			Require []struct{ Path, Version string }
		}
		readJSON(t, &mod, "mod", "edit", "-json", filepath.Join(dir, "go.mod"))
		for _, r := range mod.Require {
			if !slices.Contains(wanted[r.Path], r.Version) {
				wanted[r.Path] = append(wanted[r.Path], r.Version)
			}
			by[r.Path+" "+r.Version] = append(by[r.Path+" "+r.Version], strings.TrimPrefix(mod.Module.Path, house))
		}
	}
	for dependency, versions := range wanted {
		if len(versions) == 1 {
			continue
		}
		for _, v := range versions {
			t.Errorf("%s %s is wanted by %v", dependency, v, by[dependency+" "+v])
		}
		t.Errorf("make one of them: make bump DEP=%s@latest", dependency)
	}
}

// workspaceModules returns the folders of the modules of the workspace.
func workspaceModules(t *testing.T) []string {
	t.Helper()
	var work struct{ Use []struct{ DiskPath string } }
	readJSON(t, &work, "work", "edit", "-json", "../go.work")
	var dirs []string
	for _, u := range work.Use {
		dirs = append(dirs, filepath.Join("..", u.DiskPath))
	}
	if len(dirs) == 0 {
		t.Fatal("go.work uses no module")
	}
	return dirs
}

// readJSON decodes what a go command prints.
func readJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, into)
	}
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
}
