package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Close ends every process that a test left and removes the programs that were built. A
// TestMain calls it last.
func Close() {
	dog.stop()
	if dir := programs.dir; dir != "" {
		_ = os.RemoveAll(dir)
	}
}

// Root returns the directory of the workspace, which holds go.work.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work above the working directory")
		}
	}
})

// programs are built when a test first asks for them.
var programs = builder{built: map[string]func() (string, error){}}

type builder struct {
	mu    sync.Mutex
	dir   string
	built map[string]func() (string, error)
}

// Program builds a package of the workspace, given by its directory below the root like
// "cmd/postern", and returns the program's file name.
func Program(t testing.TB, pkg string) string {
	t.Helper()
	file, err := programs.once(pkg)()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (b *builder) once(pkg string) func() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.built[pkg] == nil {
		b.built[pkg] = sync.OnceValues(func() (string, error) { return b.build(pkg) })
	}
	return b.built[pkg]
}

func (b *builder) build(pkg string) (string, error) {
	top, err := root()
	if err != nil {
		return "", err
	}
	dir, err := b.directory()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, filepath.Base(filepath.Dir(pkg))+"-"+filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", file, "./"+pkg)
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}

func (b *builder) directory() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		return b.dir, nil
	}
	var err error
	b.dir, err = os.MkdirTemp("", "postern-test-")
	return b.dir, err
}
