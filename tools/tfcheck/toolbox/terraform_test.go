package toolbox

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Terraform is used where it is installed and new enough, OpenTofu where it is not, and
// TERRAFORM asks for one of them.
func TestWhichProgramPlaysTerraform(t *testing.T) {
	for _, c := range []struct {
		name      string
		installed string // version of Terraform, empty for none
		wanted    string
		want      string
		failure   string
	}{
		{name: "installed", installed: "1.9.8", want: "terraform"},
		{name: "missing", want: "tofu"},
		{name: "too old", installed: "1.8.5", want: "tofu"},
		{name: "OpenTofu although it is installed", installed: "1.11.4", wanted: "tofu", want: "tofu"},
		{name: "Terraform and nothing else", wanted: "terraform",
			failure: "terraform is not installed: get version 1.9"},
		{name: "Terraform, but too old", installed: "1.8.5", wanted: "terraform",
			failure: "terraform is 1.8.5: get version 1.9"},
		{name: "something else", wanted: "pulumi", failure: "want terraform or tofu"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TERRAFORM", c.wanted)
			t.Setenv("PATH", terraformDir(t, c.installed))
			path, err := builtBox(t).terraformProgram(t.Context())
			if c.failure != "" {
				if err == nil || !strings.Contains(err.Error(), c.failure) {
					t.Errorf("got %q, %v; want the error %q", path, err, c.failure)
				}
				return
			}
			if err != nil || filepath.Base(path) != c.want {
				t.Errorf("got %q, %v; want %s", path, err, c.want)
			}
		})
	}
}

// terraformDir is a directory with a terraform of this version, or none.
func terraformDir(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	if version != "" {
		write(t, filepath.Join(dir, "terraform"), "#!/bin/sh\necho '{\"terraform_version\": \""+version+"\"}'\n")
	}
	return dir
}

// builtBox is a tree in which OpenTofu was built before.
func builtBox(t *testing.T) *Box {
	t.Helper()
	b := &Box{Root: t.TempDir(), Progress: io.Discard}
	module := filepath.Join(b.Root, "tools", "opentofu")
	write(t, filepath.Join(module, "go.mod"), "")
	write(t, filepath.Join(module, "go.sum"), "")
	key, err := keyOf(filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(b.Cache("tools", "opentofu-"+key), "tofu"), "")
	return b
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}
