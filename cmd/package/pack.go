package main

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
)

// pack stages the function in dir over a store, vendors what it needs and writes the zip. It
// returns the number of files.
func pack(dir, out string, over manifest.Store) (int, error) {
	stage, err := os.MkdirTemp("", "postern-package-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(stage)
	if err := copyPackage(dir, stage, over); err != nil {
		return 0, err
	}
	if err := vendor(dir, stage, over); err != nil {
		return 0, err
	}
	return writeZip(stage, out)
}

// copyPackage copies what belongs to the deployed package: not tests, not what is for
// them, not cmd/.
func copyPackage(dir, stage string, over manifest.Store) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && leftOut(d.Name()) {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(stage, rel), 0o755)
		}
		if strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(stage, rel), withDriver(rel, data, over), 0o644)
	})
}

// leftOut reports whether a folder of that name does not belong to the deployed package.
func leftOut(folder string) bool {
	return folder == "cmd" || folder == "vendor" || folder == "testdata" || strings.HasSuffix(folder, "test")
}

// replaced finds the directory of a replaced module in a go.mod.
var replaced = regexp.MustCompile(`=> (\.\.?/\S*)`)

// vendor fills vendor/ for the staged copy, which has no cmd/ and so no embedded
// store, and no tests and so nothing of test/kit. The replaced modules are found by
// absolute path while that happens; the go.mod of the zip says what the source tree
// says, because a vendored module's directory need not exist.
//
// A function that the staged one imports, as an author's tools do with functions/mcp, is vendored
// over the same store, from a copy.
func vendor(dir, stage string, over manifest.Store) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	copies, err := os.MkdirTemp("", "postern-vendored-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copies)
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	var back []string // absolute, relative, …
	var copied []error
	absolute := replaced.ReplaceAllStringFunc(string(goMod), func(text string) string {
		from := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(text, "=> ")))
		if filepath.Base(filepath.Dir(from)) == "functions" {
			function := filepath.Join(copies, filepath.Base(from))
			copied = append(copied, copyPackage(from, function, over))
			from = function
		}
		to := "=> " + from
		back = append(back, to+"\n", text+"\n")
		return to
	})
	if err := errors.Join(copied...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(stage, "go.mod"), []byte(absolute), 0o644); err != nil {
		return err
	}
	cmd := exec.Command("go", "mod", "vendor")
	cmd.Dir, cmd.Env = stage, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod vendor: %w\n%s", err, output)
	}
	if err := os.WriteFile(filepath.Join(stage, "go.mod"), goMod, 0o644); err != nil {
		return err
	}
	modules := filepath.Join(stage, "vendor", "modules.txt")
	list, err := os.ReadFile(modules)
	if err != nil {
		return err
	}
	return os.WriteFile(modules, []byte(strings.NewReplacer(back...).Replace(string(list))), 0o644)
}

// epoch is the time of every entry: the first that a zip can name.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeZip packs the stage in the order of the paths, with fixed times and modes.
func writeZip(stage, out string) (int, error) {
	var paths []string
	err := filepath.WalkDir(stage, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(paths)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".package-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	if err := zipFiles(f, stage, paths); err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return 0, err
	}
	return len(paths), os.Rename(f.Name(), out)
}

func zipFiles(w io.Writer, stage string, paths []string) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, path := range paths {
		rel, err := filepath.Rel(stage, path)
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Deflate, Modified: epoch}
		header.SetMode(0o644)
		entry, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := entry.Write(data); err != nil {
			return err
		}
	}
	return z.Close()
}
