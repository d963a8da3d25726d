package rig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/test/kit/tool"
)

// Slow marks a test that needs more than Go or more than a moment. It is skipped with
// POSTERN_FAST=1 and with -short, and says what to type to run it.
func Slow(t testing.TB) {
	t.Helper()
	if os.Getenv("POSTERN_FAST") == "1" || testing.Short() {
		t.Skipf("not in the fast part; to run it: go test -run '^%s$' ./test", t.Name())
	}
}

// Npm returns the directory test/npm/sub with its packages installed.
func Npm(t testing.TB, sub string) string {
	t.Helper()
	dir := filepath.Join(Root(t), "test", "npm", sub)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("the npm packages of test/npm/%s are not installed; run: make tools", sub)
	}
	return dir
}

// Python returns the directory test/python, and the Python that has its packages.
func Python(t testing.TB) (dir, python string) {
	t.Helper()
	dir = filepath.Join(Root(t), "test", "python")
	return dir, environmentIn(t, dir)
}

// FastMCP returns the Python that has an older FastMCP: 2.13, 2.14 or 3.
func FastMCP(t testing.TB, version string) (python string) {
	t.Helper()
	return environmentIn(t, filepath.Join(Root(t), "test", "python", "fastmcp", version))
}

func environmentIn(t testing.TB, dir string) (python string) {
	t.Helper()
	tool.Python.Need(t)
	environment := filepath.Join(dir, ".venv")
	if _, err := os.Stat(filepath.Join(environment, "installed")); err != nil {
		t.Fatalf("the packages of %s are not installed; run: make tools", dir)
	}
	return filepath.Join(environment, "bin", "python")
}

// Keycloak returns the directory of Keycloak, which is set up and has the realm of
// test/keycloak, and the Java that runs it.
func Keycloak(t testing.TB) (dir, java string) {
	t.Helper()
	java = tool.Java.Need(t)
	tool.Maven.Need(t)
	dir = filepath.Join(Root(t), "test", "keycloak", "dist")
	if _, err := os.Stat(filepath.Join(dir, "installed")); err != nil {
		t.Fatal("Keycloak is not installed; run: make tools")
	}
	homes, err := filepath.Glob(filepath.Join(dir, "keycloak-*"))
	if err != nil || len(homes) != 1 {
		t.Fatalf("got %q, %v in test/keycloak/dist, want one Keycloak; run: make tools", homes, err)
	}
	return homes[0], java
}
