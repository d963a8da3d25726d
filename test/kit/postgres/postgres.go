// Package postgres runs PostgreSQL for tests.
//
//	func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }
//
//	func TestX(t *testing.T) {
//		url := postgres.Database(t) // postgres://…, an empty database of its own
//		…
//	}
//
// The server starts with the first Database, once per test program, on a free port of
// 127.0.0.1, and ends with the program, however that ends. PostgreSQL refuses to run as
// root; a test program of root runs it as nobody.
package postgres

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/tool"
)

var (
	shared      *Server // what Database starts, nil before
	startShared = sync.OnceValue(func() (err error) {
		shared, err = start()
		return err
	})
)

// Run runs the tests of m, stops the server if one was started, and returns the exit code.
func Run(m *testing.M) int {
	defer Stop()
	return m.Run()
}

// Stop stops the server of this test program if one was started.
func Stop() {
	if shared != nil {
		shared.stop()
		_ = os.RemoveAll(shared.dir)
	}
}

// Database makes sure that a server runs and returns the URL of an empty database of it that
// no other test uses.
//
// Without PostgreSQL the test is skipped, or fails with CI=true (see package tool). With
// POSTERN_FAST=1 it is skipped, and says what to type to run it.
func Database(t testing.TB) string {
	t.Helper()
	return Shared(t).Database(t)
}

// Shared returns the server of this test program, which no test may stop.
func Shared(t testing.TB) *Server {
	t.Helper()
	need(t)
	if err := startShared(); err != nil {
		t.Fatal(err)
	}
	return shared
}

// Start starts a server for one test, which may stop it. Settings are lines such as
// "max_connections=10".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	need(t)
	s, err := start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	s.cleanUp(t)
	return s
}

func need(t testing.TB) {
	t.Helper()
	if os.Getenv("POSTERN_FAST") == "1" {
		t.Skip("needs PostgreSQL; to run it: POSTERN_FAST= go test -run '" + t.Name() + "'")
	}
	tool.Postgres.Need(t)
}

// cleanUp ends s with the test, and shows what it said if the test failed.
func (s *Server) cleanUp(t testing.TB) {
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Log(s.said())
		}
		_ = os.RemoveAll(s.dir)
	})
}

// Database makes an empty database that no other test uses and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	if err := s.run("createdb", "--host=127.0.0.1", "--port="+s.port, "--username="+User, name); err != nil {
		t.Fatal(err)
	}
	return s.URL(name)
}

// Exec runs statements in a database, each in a transaction of its own, as the superuser.
func (s *Server) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	args := []string{
		"--host=127.0.0.1", "--port=" + s.port, "--username=" + User, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
		"--dbname=" + database,
	}
	for _, statement := range statements {
		args = append(args, "--command="+statement)
	}
	if err := s.run("psql", args...); err != nil {
		t.Fatal(err)
	}
}

// pause is how long to wait between two looks at a program that gives no sign of its own.
const pause = 20 * time.Millisecond
