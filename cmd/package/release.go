package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postern-dev/postern/shared/version"
)

// writeRelease writes the release of the source tree into dist/VERSION, where terraform finds
// it beside the zips, and returns it.
func writeRelease(root string) (string, error) {
	release := releaseOf(root)
	if err := os.MkdirAll(filepath.Join(root, "dist"), 0o755); err != nil {
		return "", err
	}
	return release, os.WriteFile(filepath.Join(root, "dist", "VERSION"), []byte(release+"\n"), 0o644)
}

// releaseOf returns the tag of the commit that is checked out in dir, like v1.2.3, if no file
// differs from it; else devel. A commit is not named: with each one every function would look
// changed to terraform.
func releaseOf(dir string) string {
	git := exec.Command("git", "describe", "--tags", "--exact-match", "--match", "v[0-9]*", "--dirty")
	git.Dir = dir
	tag, err := git.Output()
	if err != nil || strings.HasSuffix(strings.TrimSpace(string(tag)), "-dirty") {
		return version.Devel
	}
	return strings.TrimSpace(string(tag))
}

// linkFlags are what the platform builds functions with (terraform/modules/function).
func linkFlags(release string) string { return "-s -w -X " + version.Variable + "=" + release }
