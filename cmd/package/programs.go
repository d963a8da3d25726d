package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/postern-dev/postern/shared/manifest"
)

// buildPrograms packs the functions into dist/, builds the zips as the platform does and
// puts the programs into dir under the functions' names. An unchanged function gives the
// same zip, and a program that its zip and this Go made is left alone.
func buildPrograms(root, dir, release string) error {
	for _, f := range manifest.Functions {
		zip := filepath.Join(root, "dist", f.Name+".zip")
		if _, err := pack(filepath.Join(root, "functions", f.Name), zip, manifest.Firestore); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := buildProgram(zip, filepath.Join(dir, f.Name), release); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// buildProgram builds one zip. What it was built from stands beside the program.
func buildProgram(zip, program, release string) error {
	hash, err := fileHash(zip)
	if err != nil {
		return err
	}
	from, marker := hash+" "+runtime.Version()+" "+release+"\n", program+".from"
	if was, err := os.ReadFile(marker); err == nil && string(was) == from {
		return nil
	}
	dir, err := os.MkdirTemp("", "postern-program-")
	if err != nil {
		return err
	}
	defer removeAll(dir)
	source := filepath.Join(dir, "serverless_function_source_code")
	if err := unzip(zip, source); err != nil {
		return err
	}
	binary, err := build(dir, source, release)
	if err != nil {
		return err
	}
	if err := install(binary, program); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte(from), 0o644)
}

// install puts a program in place whole: somebody may be running the one before.
func install(binary, program string) error {
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	if err := os.WriteFile(program+".new", data, 0o755); err != nil {
		return err
	}
	return os.Rename(program+".new", program)
}
