package operator_test

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

// LG-03: what clients and people call themselves cannot drive a terminal or forge a row.
func TestTableIsPlainText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := operator.Table(&out, []string{"NAME", "KIND"}, [][]string{{"a\x1b[2J\nb\tc\u202e", "public"}})
	want := "NAME        KIND\na\ufffd[2J\ufffdb\ufffdc\ufffd  public\n"
	if got := out.String(); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestPlaceIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"clients/abc", "people/x"} {
		if p, err := operator.ParsePlace(s); err != nil || p.String() != s {
			t.Errorf("%s: got %s, %v", s, p, err)
		}
	}
	for _, s := range []string{"clients", "secrets/abc", "/abc"} {
		if p, err := operator.ParsePlace(s); err == nil {
			t.Errorf("%s: got %s, want an error", s, p)
		}
	}
}
