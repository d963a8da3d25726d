// Package redis runs Redis for tests.
package redis

import (
	"bufio"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/tool"
)

// script runs "$@" until its standard input ends, which it does when this program ends, however
// it ends.
const script = `"$@" & cat >/dev/null; kill $!; wait`

// Start starts an empty server for one test, on a free port of 127.0.0.1 and with nothing on
// disk, and returns its URL.
//
// Without Redis the test is skipped, or fails with CI=true (see package tool).
func Start(t testing.TB) string {
	t.Helper()
	program := tool.Redis.Need(t)
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", script, "sh", program, "--bind", host, "--port", port, "--save", "",
		"--appendonly", "no", "--dir", t.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	t.Cleanup(func() {
		stdin.Close()
		for lines.Scan() { // a full pipe would keep it from ending
		}
		_ = cmd.Wait() // it was told to end
	})
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			return "redis://" + address + "/0"
		}
	}
	t.Fatalf("Redis does not start. It said:\n%s", said.String())
	return ""
}
