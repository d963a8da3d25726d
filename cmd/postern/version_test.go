package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

func TestTheProgramSaysItsRelease(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`^postern devel \(go1\.\S+, \w+/\w+\)\n$`)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		var said bytes.Buffer
		out := cli.New(strings.NewReader(""), &said, &said)
		if err := execute(t.Context(), out, args); err != nil || !want.MatchString(said.String()) {
			t.Errorf("postern %s: got %q, %v, want %s", args[0], said.String(), err, want)
		}
	}
}
