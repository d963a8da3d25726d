package manifest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/manifest"
)

// root is the root of the source tree.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names() []string {
	var all []string
	for _, f := range manifest.Functions {
		all = append(all, f.Name)
	}
	return slices.Sorted(slices.Values(all))
}

// found returns what the first group of a pattern finds in a file, sorted, each once.
func found(t *testing.T, path, pattern string) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, path), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A folder in functions/ without a row, or a row without its folder, is an error.
func TestEveryFolderHasARow(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if want := names(); !slices.Equal(folders, want) {
		t.Errorf("functions/ has the folders %v, shared/manifest the rows %v", folders, want)
	}
}

// Each function is a module of the workspace that tells the framework its name and its
// trigger, and can be started alone.
func TestEveryRowIsWhatItsFolderHolds(t *testing.T) {
	t.Parallel()
	framework := map[manifest.Trigger]string{
		manifest.HTTP:  "functions.HTTP(%q, boot.Handler(%q, Build",
		manifest.Event: "functions.CloudEvent(%q, boot.Event(%q, Build",
	}
	main := map[manifest.Trigger]string{
		manifest.HTTP:  "serve.Main(%q, %s.Build",
		manifest.Event: "serve.MainEvent(%q, %s.Build",
	}
	for _, f := range manifest.Functions {
		for path, want := range map[string]string{
			"go.work":                              "./functions/" + f.Name + "\n",
			"functions/" + f.Name + "/go.mod":      "module " + f.ImportPath() + "\n",
			"functions/" + f.Name + "/function.go": fmt.Sprintf(framework[f.Trigger], f.Name, f.Name),
			"functions/" + f.Name + "/cmd/main.go": fmt.Sprintf(main[f.Trigger], f.Name, f.Name),
			"cmd/postern/go.mod":                   f.ImportPath() + " => ",
		} {
			if !strings.Contains(read(t, path), want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
	}
}

// Every setting is read by somebody, and every name in a row is a setting.
func TestEverySettingHasAReader(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range config.Settings {
		known[s.Name] = true
		if len(manifest.Readers(s.Name)) == 0 {
			t.Errorf("%s is read by nobody", s.Name)
		}
	}
	for _, f := range manifest.Functions {
		for i, name := range f.Settings {
			if !known[name] || slices.Contains(f.Settings[:i], name) {
				t.Errorf("%s reads %s, which is not a setting or stands there twice", f.Name, name)
			}
		}
	}
}

// Terraform has each function, by the same name and of the same kind.
func TestTerraformHasEveryFunction(t *testing.T) {
	t.Parallel()
	http := slices.Sorted(slices.Values(manifest.Names(manifest.HTTP)))
	list := strings.Join(found(t, "terraform/names.tf", `function_names = \[(.*)\]`), "")
	var spelt []string
	for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list, -1) {
		spelt = append(spelt, m[1])
	}
	slices.Sort(spelt)
	check := func(what string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	names, events := names(), manifest.Names(manifest.Event)
	check("function_names in terraform/names.tf", spelt, names)
	check("entries in terraform/functions.tf", found(t, "terraform/functions.tf", `(\w+) = \{\n +description`), names)
	check("events in terraform/main.tf", found(t, "terraform/main.tf", `name += "(\w+)"\n +description`), events)
	check("backends in terraform/gateway", found(t, "terraform/gateway/openapi.yaml", `address: "\$\{(\w+)\}"`), http)
}

// What is forbidden is a path and what is below it, and no other that begins alike.
func TestForbiddenIsAPathAndWhatIsBelow(t *testing.T) {
	t.Parallel()
	f := manifest.Function{NeverLinks: []string{"example.com/a", "example.com/b/c"}}
	for path, want := range map[string]string{
		"example.com/a": "example.com/a", "example.com/a/x": "example.com/a", "example.com/ab": "",
		"example.com/b": "", "example.com/b/c/d": "example.com/b/c",
	} {
		if got := f.Forbidden(path, manifest.Firestore); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
