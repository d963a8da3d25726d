package emulate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postern-dev/postern/shared/manifest"
)

// FindRoot returns the root of the source tree, the directory of go.work, here or above.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "functions", manifest.Functions[0].Name, "cmd")); err == nil {
				return dir, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("emulate builds the functions from source: run it in the source tree of Postern " +
				"(go.work is neither here nor above; postern dev needs no source)")
		}
		dir = filepath.Dir(dir)
	}
}

// programs builds the functions and returns their programs by function: for Firestore's emulator
// the packages as they are deployed, else their cmd/. What is up to date is not built again.
func (d *deployment) programs(ctx context.Context) (map[string]string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("emulate builds the functions: " +
			"install Go (https://go.dev/doc/install) and put it into PATH")
	}
	kind := d.Store
	if kind == Postgres {
		kind = Embedded // the same programs have both
	}
	dir := filepath.Join(d.Root, ".cache", "emulate", kind)
	unlock, err := lock(dir)
	if err != nil {
		return nil, fmt.Errorf("build functions: %w", err)
	}
	defer unlock()
	if d.Store == Firestore {
		d.log.Info("functions are packed into dist/ and built as they are deployed")
		err = d.tool(ctx, "go", "run", "./cmd/package", "-programs", dir)
	} else {
		err = d.buildCommands(ctx, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("build functions: %w", err)
	}
	programs := map[string]string{}
	for _, f := range manifest.Functions {
		programs[f.Name] = filepath.Join(dir, f.Name)
	}
	return programs, nil
}

func (d *deployment) buildCommands(ctx context.Context, dir string) error {
	for _, f := range manifest.Functions {
		program := filepath.Join(dir, f.Name)
		if err := d.tool(ctx, "go", "build", "-o", program, "./functions/"+f.Name+"/cmd"); err != nil {
			return err
		}
	}
	return nil
}

// tool runs a command in the root of the source tree. Its error has what it said.
func (d *deployment) tool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = d.Root
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, output)
	}
	return nil
}
