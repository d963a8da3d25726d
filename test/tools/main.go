// Command tools installs by package name what the tests use, and names what it cannot
// install with the command that does. A tool that is missing in the end is a failure.
//
//	go run ./test/tools    at the root of the workspace; make tools
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	root, err := root()
	if err != nil {
		return err
	}
	var problems []error
	for _, tool := range programs {
		problems = append(problems, tool.check())
	}
	if has("npm") {
		for _, dir := range []string{"test/npm", "test/npm/conformance"} {
			problems = append(problems, npmInstall(filepath.Join(root, dir)))
		}
	}
	problems = append(problems, chromium())
	return errors.Join(problems...)
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
