package main

import (
	"bytes"
	"encoding/json"
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
	var said bytes.Buffer
	out := cli.New(strings.NewReader(""), &said, &said)
	if err := execute(t.Context(), out, []string{"version", "--json"}); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Items []aboutVersion }
	if err := json.Unmarshal(said.Bytes(), &answer); err != nil || len(answer.Items) != 1 ||
		answer.Items[0].Version != "devel" || !strings.HasPrefix(answer.Items[0].Go, "go1.") {
		t.Errorf("got %s, %v, want the release in JSON", said.String(), err)
	}
}
