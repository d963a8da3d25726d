// Command tools gets a machine ready for the tests, and says at the end what was left out
// because something is missing.
//
//	go run ./test/tools            at the root of the workspace; make tools
//	go run ./test/tools not-run    the end of make check
//	go run ./test/tools screenshots    make screenshots
//
// The first installs by package name what can be: Debian's packages as root or with sudo
// that asks no password, npm and Python packages from lists of exact versions. A required
// tool that is missing is an error, and so is every one with CI=true; it comes before
// anything is installed.
//
// The second reads what make test-all and make vuln wrote to .cache/check. The third writes
// pictures of every page into docs/screenshots.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/postern-dev/postern/test/kit/tool"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root, err := root()
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		m := machine{ci: tool.CI(), tools: tool.All, install: debian(), out: os.Stdout}
		if err := m.ready(); err != nil {
			return err
		}
		return errors.Join(npm(root), python(root), keycloak(root))
	case len(args) == 1 && args[0] == "not-run":
		return notRun(os.Stdout, filepath.Join(root, ".cache", "check"))
	case len(args) == 1 && args[0] == "screenshots":
		return screenshots(root)
	}
	return errors.New("usage: go run ./test/tools [not-run | screenshots]")
}

// root is the directory that holds go.work, from here upwards.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("tools: run this inside the workspace: no go.work here or above")
		}
	}
}
