// Command release puts a release into dist/release: the functions' zips, the postern program
// for the usual systems, an SBOM of each (CycloneDX), and SHA256SUMS of all.
//
//	make release    packs the zips and runs this at the root of the source tree
//
// The same source and the same Go give the same bytes, wherever and whenever they are built;
// SHA256SUMS of a second run shows it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/postern-dev/postern/shared/manifest"
)

const (
	dist    = "dist"
	out     = dist + "/release"
	scratch = ".cache/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	tag, err := os.ReadFile(filepath.Join(dist, "VERSION"))
	if err != nil {
		return fmt.Errorf("%w (make release packs first, at the root of the source tree)", err)
	}
	release := strings.TrimSpace(string(tag))
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := posterns(ctx, release); err != nil {
		return err
	}
	if err := functions(ctx, release); err != nil {
		return err
	}
	for _, file := range []string{"LICENSE", "CHANGELOG.md", dist + "/VERSION"} {
		if err := copyFile(file, out); err != nil {
			return err
		}
	}
	if err := writeSums(out); err != nil {
		return err
	}
	fmt.Printf("%s is in %s\n", release, out)
	return nil
}

// posterns builds the program for every target. Its SBOM is that of the first: all are of the
// same modules.
func posterns(ctx context.Context, release string) error {
	for i, t := range targets {
		program := filepath.Join(out, t.file("postern"))
		if err := build(ctx, ".", "./cmd/postern", program, release, t); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if err := sbom(ctx, program, "postern", release); err != nil {
			return err
		}
	}
	return nil
}

// functions takes the zips, and an SBOM of the program that the platform makes of each.
func functions(ctx context.Context, release string) error {
	if _, err := command(ctx, "go", "run", "./cmd/package", "-programs", scratch); err != nil {
		return err
	}
	for _, f := range manifest.Functions {
		if err := copyFile(filepath.Join(dist, f.Name+".zip"), out); err != nil {
			return err
		}
		if err := sbom(ctx, filepath.Join(scratch, f.Name), f.Name, release); err != nil {
			return err
		}
	}
	return nil
}

// command runs a command whose complaints the person sees, and returns what it says.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return said, nil
}

func copyFile(file, dir string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o644)
}
