package cli_test

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// What clients and people call themselves cannot drive a terminal or forge a row (LG-03).
func TestTableIsPlainText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := cli.Table(&out, []string{"NAME", "KIND"}, [][]string{{"a\x1b[2J\nb\tc\u202e", "public"}})
	want := "NAME        KIND\na\ufffd[2J\ufffdb\ufffdc\ufffd  public\n"
	if got := out.String(); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
