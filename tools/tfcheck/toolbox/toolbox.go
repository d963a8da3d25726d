// Package toolbox builds and finds the tools that check terraform/: the Google
// provider, tflint and its Google rules from pinned modules under tools/, the
// OpenAPI linter from a pinned npm package. What it makes lies under .cache in
// the tree, keyed by what it was made from, so a second run makes nothing.
package toolbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Box is the tools of one working tree.
type Box struct {
	// Root is the top of the tree, an absolute path.
	Root string
	// Progress takes lines for a person and what the builds print.
	Progress io.Writer

	substitute sync.Once // says once that OpenTofu takes Terraform's place
}

// Open finds the tree that the working directory lies in.
func Open(progress io.Writer) (*Box, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "terraform", "gateway", "openapi.yaml")); err == nil {
			return &Box{Root: dir, Progress: progress}, nil
		}
		if dir == filepath.Dir(dir) {
			return nil, errors.New("no terraform/gateway/openapi.yaml here or above: run this inside the repository")
		}
	}
}

// Cache returns a path under .cache.
func (b *Box) Cache(elem ...string) string {
	return filepath.Join(append([]string{b.Root, ".cache"}, elem...)...)
}

// goTool builds the tool of the module tools/NAME once and returns the
// directory of the binary.
func (b *Box) goTool(ctx context.Context, name, estimate string) (string, error) {
	module := filepath.Join(b.Root, "tools", name)
	key, err := keyOf(filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	dir := b.Cache("tools", name+"-"+key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Fprintf(b.Progress, "building tools/%s (%s the first time)\n", name, estimate)
	making := fmt.Sprintf("%s.making-%d", dir, os.Getpid())
	defer os.RemoveAll(making)
	cmd := b.Command(ctx, module, "go", "build", "-trimpath", "-ldflags=-s -w",
		"-o", making+string(filepath.Separator), "tool")
	cmd.Env = append(cmd.Env, "GOWORK=off", "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build tools/%s: %w", name, err)
	}
	return dir, b.publish(making, dir)
}

// publish moves a finished directory to its name. Another process may have been
// faster; then its result is as good.
func (b *Box) publish(making, dir string) error {
	err := os.Rename(making, dir)
	if _, statErr := os.Stat(dir); statErr == nil {
		return nil
	}
	return err
}

// Command prepares a program in a directory, its output going to Progress.
func (b *Box) Command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	cmd.Stdout, cmd.Stderr = b.Progress, b.Progress
	return cmd
}

// keyOf hashes files and the platform. A file that is missing is an error.
func keyOf(paths ...string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%d %s\n", len(data), data)
	}
	fmt.Fprintln(h, runtime.GOOS, runtime.GOARCH)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// Need returns the path of a program, or an error that says how to get it.
func Need(program, how string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: %s", program, how)
	}
	return path, nil
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }
