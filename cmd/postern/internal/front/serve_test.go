package front

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// Strangers' handshakes that fail, and their addresses, stay out of a log at its usual
// level; what hinders the server does not.
func TestFailedHandshakesAreForDebugging(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := connections{slog.New(slog.NewTextHandler(&out, nil))}
	for _, line := range []string{
		"http: TLS handshake error from 192.0.2.1:4711: EOF\n", "http: Accept error: too many open files\n",
	} {
		if n, err := c.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("got %d, %v; want all of the line", n, err)
		}
	}
	if got := out.String(); strings.Contains(got, "192.0.2.1") || !strings.Contains(got, "too many open files") {
		t.Errorf("got %s, want the second line alone", got)
	}
}
