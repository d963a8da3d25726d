package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/postern-dev/postern/shared/version"
)

// A target is a system that programs are built for.
type target struct{ os, arch string }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// file returns the name of a program for the target, like postern_windows_arm64.exe.
func (t target) file(name string) string {
	name += "_" + t.os + "_" + t.arch
	if t.os == "windows" {
		name += ".exe"
	}
	return name
}

// build builds pkg as seen from dir into the file program. What the machine could add is left
// out: its paths, its C compiler, its settings of Go and of the processor, the repository's state.
func build(ctx context.Context, dir, pkg, program, release string, t target) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X "+version.Variable+"="+release, "-o", program, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=",
		"GOAMD64=v1", "GOARM64=v8.0", "GOTOOLCHAIN=local")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s/%s: %w\n%s", t.os, t.arch, err, output)
	}
	return nil
}
