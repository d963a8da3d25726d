package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postern-dev/postern/test/kit/tool"
)

// debian returns a function that installs Debian's packages, or nil where this process
// may not.
func debian() func(packages ...string) error {
	if !has("apt-get") {
		return nil
	}
	prefix := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get"}
	if os.Geteuid() != 0 {
		if exec.Command("sudo", "-n", "true").Run() != nil {
			return nil
		}
		prefix = append([]string{"sudo", "-n"}, prefix...)
	}
	return func(packages ...string) error {
		if err := show("", append(prefix, "update")...); err != nil {
			return fmt.Errorf("apt-get update: %w", err)
		}
		install := []string{"install", "-y", "--no-install-recommends"}
		if err := show("", slices.Concat(prefix, install, packages)...); err != nil {
			return fmt.Errorf("apt-get install %s: %w", strings.Join(packages, " "), err)
		}
		return nil
	}
}

func has(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// npm installs the packages of the tests' clients.
func npm(root string) error {
	for _, dir := range []string{"test/npm", "test/npm/conformance", "test/npm/oidc-provider"} {
		if err := npmInstall(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	return nil
}

// npmInstall installs what the lock file of dir says, unless it is there already.
func npmInstall(dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	// npm writes this file last.
	done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && done.ModTime().After(lock.ModTime()) {
		fmt.Println("npm packages of", dir, "ok")
		return nil
	}
	if err := show(dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	return nil
}

// python installs the packages of the tests' Python programs, each list in an environment of
// its own, unless they are there already. Without Python, of which the person has read, there
// is nothing to do.
func python(root string) error {
	program, err := tool.Python.Path()
	if err != nil {
		return nil // a tool that may be missing
	}
	dirs, err := filepath.Glob(filepath.Join(root, "test", "python", "fastmcp", "*"))
	if err != nil {
		return err
	}
	for _, dir := range append(dirs, filepath.Join(root, "test", "python")) {
		if err := pipInstall(program, dir); err != nil {
			return err
		}
	}
	return nil
}

// pipInstall makes an environment in dir with what its requirements say.
func pipInstall(program, dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "requirements.txt"))
	if err != nil {
		return fmt.Errorf("pip install: %w", err)
	}
	installed := filepath.Join(dir, ".venv", "installed")
	done, err := os.Stat(installed)
	if err == nil && done.ModTime().After(lock.ModTime()) {
		fmt.Println("Python packages of", dir, "ok")
		return nil
	}
	for _, command := range [][]string{
		{program, "-m", "venv", "--clear", ".venv"},
		{filepath.Join(dir, ".venv", "bin", "pip"), "install", "--quiet", "--no-input", "-r", "requirements.txt"},
	} {
		if err := show(dir, command...); err != nil {
			return fmt.Errorf("%s in %s: %w", strings.Join(command, " "), dir, err)
		}
	}
	return os.WriteFile(installed, nil, 0o600)
}

// show runs a command whose output the person sees.
func show(dir string, command ...string) error {
	fmt.Println("+", strings.Join(command, " "))
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	return cmd.Run()
}
