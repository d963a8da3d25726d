package postgres

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/tool"
)

// bouncerConfig is that of PgBouncer in transaction mode: a connection of the server is lent
// for one transaction, so a client may find another one each time. Few of them, so that
// clients do share.
const bouncerConfig = `[databases]
* = host=127.0.0.1 port=%s user=` + User + `
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
`

// Bounced starts PgBouncer in front of s and returns a function that turns the URL of a
// database of s into one through it. Without PgBouncer the test is skipped, or fails with
// CI=true.
func Bounced(t testing.TB, s *Server) func(databaseURL string) string {
	t.Helper()
	program := tool.Pgbouncer.Need(t)
	dir, err := ownDir(s.attr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := freeport.Addresses(t, 1)[0]
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(config, fmt.Appendf(nil, bouncerConfig, s.port, port), 0o644); err != nil {
		t.Fatal(err)
	}
	process, err := launch(s.attr, dir, "INT", program, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.end()
		if t.Failed() {
			t.Log(process.said())
		}
	})
	for deadline := time.Now().Add(startTime); ; time.Sleep(pause) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not answer on %s. It said:\n%s", address, process.said())
		}
	}
	return func(databaseURL string) string {
		u, err := url.Parse(databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = address
		return u.String()
	}
}
