package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/postern-dev/postern/test/kit/tool"
)

// keycloak unpacks the Keycloak that test/keycloak names, makes it ready to start quickly, and
// imports the realm of the tests, unless that is done already. Without Java or Maven, of which
// the person has read, there is nothing to do.
func keycloak(root string) error {
	for _, t := range []tool.Tool{tool.Java, tool.Maven} {
		if _, err := t.Path(); err != nil {
			return nil // a tool that may be missing
		}
	}
	dir := filepath.Join(root, "test", "keycloak")
	dist := filepath.Join(dir, "dist")
	installed := filepath.Join(dist, "installed")
	if newer(installed, filepath.Join(dir, "pom.xml"), filepath.Join(dir, "realm.json")) {
		fmt.Println("Keycloak of", dir, "ok")
		return nil
	}
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("install Keycloak: %w", err)
	}
	if err := show(dir, "mvn", "--batch-mode", "--quiet", "generate-resources"); err != nil {
		return fmt.Errorf("mvn generate-resources in %s: %w", dir, err)
	}
	homes, err := filepath.Glob(filepath.Join(dist, "keycloak-*"))
	if err != nil || len(homes) != 1 {
		return fmt.Errorf("install Keycloak: got %q, want one directory", homes)
	}
	administrator := []string{"env", "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD=admin"}
	for _, command := range [][]string{
		{"sh", "bin/kc.sh", "build", "--db=dev-file"},
		append(administrator, "sh", "bin/kc.sh", "import", "--optimized", "--file", filepath.Join(dir, "realm.json")),
	} {
		if err := show(homes[0], command...); err != nil {
			return fmt.Errorf("set Keycloak up: %w", err)
		}
	}
	return os.WriteFile(installed, nil, 0o600)
}

// newer reports whether a file is there and was written after all of the others.
func newer(file string, others ...string) bool {
	done, err := os.Stat(file)
	if err != nil {
		return false
	}
	for _, other := range others {
		if of, err := os.Stat(other); err != nil || !done.ModTime().After(of.ModTime()) {
			return false
		}
	}
	return true
}
