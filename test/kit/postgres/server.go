package postgres

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/tool"
)

// User is the superuser of every server here. Whoever connects from this machine is believed.
const User = "postern"

// startTime is how long a server may take to answer.
const startTime = 60 * time.Second

// A Server is one cluster of databases in a directory of its own.
type Server struct {
	bin       string // PostgreSQL's programs
	dir       string
	port      string
	settings  []string
	attr      *syscall.SysProcAttr
	process   *daemon // nil while it is stopped
	databases atomic.Int64
}

// URL returns the URL of a database.
func (s *Server) URL(database string) string {
	return "postgres://" + User + "@" + s.Address() + "/" + database + "?sslmode=disable"
}

// Address returns host and port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", s.port) }

// start makes a cluster and starts its server.
func start(settings ...string) (*Server, error) {
	s, err := newServer(settings)
	if err != nil {
		return nil, err
	}
	err = s.run("initdb", "--pgdata="+s.data(), "--username="+User, "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync")
	if err == nil {
		err = s.start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func newServer(settings []string) (*Server, error) {
	s := &Server{settings: settings}
	var err error
	if s.bin, err = tool.Postgres.Path(); err != nil {
		return nil, err
	}
	if s.attr, err = ordinary(); err != nil {
		return nil, err
	}
	if s.dir, err = ownDir(s.attr); err != nil {
		return nil, err
	}
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	_, s.port, err = net.SplitHostPort(address)
	return s, err
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// start starts the process and waits until it takes connections. Nothing here outlives a
// test, so nothing is synced to the disk; what a process has written outlives the process.
func (s *Server) start() (err error) {
	command := []string{
		filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", s.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=200",
		"-c", "log_line_prefix=%m [%p] ",
	}
	for _, setting := range s.settings {
		command = append(command, "-c", setting)
	}
	const fast = "INT" // a fast shutdown, which does not wait for clients
	if s.process, err = launch(s.attr, s.dir, fast, command...); err != nil {
		return err
	}
	return s.ready()
}

func (s *Server) ready() error {
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(pause) {
		if exec.Command(filepath.Join(s.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", s.port).Run() == nil {
			return nil
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("PostgreSQL does not start. It said:\n%s", s.said())
		default:
		}
	}
	return fmt.Errorf("PostgreSQL does not answer on %s after %s. It said:\n%s", s.Address(), startTime, s.said())
}

func (s *Server) said() string {
	if s.process == nil {
		return ""
	}
	return s.process.said()
}

func (s *Server) stop() {
	if s.process != nil {
		s.process.end()
	}
}

// Stop stops the server; its clients are cut off.
func (s *Server) Stop() { s.stop() }

// Restart starts a stopped or crashed server again, on the same port.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.stop()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Crash ends the server as a loss of power would: at once, in the middle of whatever its
// clients had begun, and without bringing anything in order.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	pid, err := s.pid()
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGQUIT) // "immediate shutdown"
	}
	if err != nil {
		t.Fatalf("crash PostgreSQL: %v", err)
	}
	<-s.process.done
}

// pid returns the process of the server itself, which its first file names.
func (s *Server) pid() (int, error) {
	file, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(file), "\n")
	return strconv.Atoi(first)
}

// Standby starts a server that follows s by streaming replication.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	standby, err := newServer(settings)
	if err != nil {
		t.Fatal(err)
	}
	standby.cleanUp(t)
	primary := "host=127.0.0.1 port=" + s.port + " user=" + User + " application_name=standby"
	err = standby.run("pg_basebackup", "--pgdata="+standby.data(), "--write-recovery-conf", "--wal-method=stream",
		"--checkpoint=fast", "--no-sync", "--dbname="+primary)
	if err == nil {
		err = standby.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return standby
}

// Promote makes a standby the one that is written to.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if err := s.run("pg_ctl", "promote", "--pgdata="+s.data(), "--wait"); err != nil {
		t.Fatal(err)
	}
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir = s.attr, s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}
