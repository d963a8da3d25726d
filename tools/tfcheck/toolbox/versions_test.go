package toolbox

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocsSayWhichVersionsAreTried: of OpenTofu the one that is built, of Terraform the one that CI installs.
func TestTheDocsSayWhichVersionsAreTried(t *testing.T) {
	t.Parallel()
	box, err := Open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	docs := words(t, filepath.Join(box.Root, "docs", "deploy.md"))
	for _, c := range []struct{ product, file, version string }{
		{"OpenTofu", "tools/opentofu/go.mod", `github.com/opentofu/opentofu v([0-9.]+)`},
		{"Terraform", ".github/workflows/check.yml", `terraform_version: ~([0-9.]+)`},
	} {
		found := regexp.MustCompile(c.version).FindStringSubmatch(words(t, filepath.Join(box.Root, c.file)))
		if found == nil {
			t.Fatalf("%s has no version of %s", c.file, c.product)
		}
		if want := c.product + " " + found[1]; !strings.Contains(docs, want) {
			t.Errorf("docs/deploy.md does not say %s, which %s has", want, c.file)
		}
	}
}

// words returns a file as one line.
func words(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(data)), " ")
}
