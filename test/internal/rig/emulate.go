package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// StartEmulated starts postern emulate: each function its own processes behind a gateway.
// There is no front of ours: requests pass [Server.Transport] to be seen. More are flags
// beyond --listen, --replicas and --data.
func StartEmulated(t testing.TB, replicas int, settings map[string]string, more ...string) *Server {
	t.Helper()
	s := &Server{t: t, options: Options{Data: t.TempDir()}, Witness: NewWitness()}
	s.transport = s.Witness
	next := &http.Transport{MaxIdleConnsPerHost: 64}
	s.Witness.next = next
	t.Cleanup(next.CloseIdleConnections)
	p, err := start(t, Command{
		Name: "emulate", Path: Program(t, "cmd/postern"), Dir: Root(t), Env: settings,
		Args: append([]string{
			"emulate", "--listen", "127.0.0.1:0", "--replicas", strconv.Itoa(replicas), "--data", s.options.Data,
		}, more...),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.replicas, s.logs = []*Process{p}, []*Log{p.Log}
	t.Cleanup(s.finish)
	said, err := p.Says(t.Context(), welcome)
	for try := 1; try < 5 && errors.Is(err, context.DeadlineExceeded); try++ { // it builds the functions first
		said, err = p.Says(t.Context(), welcome)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.MCP = said[1]
	s.URL = strings.TrimSuffix(s.MCP, "/mcp")
	return s
}

// Transport is what clients send their requests through: nil, for the default, where a
// front sees them.
func (s *Server) Transport() http.RoundTripper { return s.transport }

// Functions returns the ids of the processes that serve a function of an emulated
// deployment, by what their program is called.
func (s *Server) Functions(name string) ([]int, error) {
	var found []int
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		stat, err := os.ReadFile(entry)
		if err != nil {
			continue // it has ended
		}
		// pid (program) state parent …
		pid, rest, _ := strings.Cut(string(stat), " (")
		program, rest, _ := strings.Cut(rest, ") ")
		fields := strings.Fields(rest)
		if program != name || len(fields) < 2 || fields[1] != strconv.Itoa(s.replicas[0].Pid()) {
			continue
		}
		id, err := strconv.Atoi(pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry, err)
		}
		found = append(found, id)
	}
	return found, nil
}

// KillFunction is kill -9 of one process of a function.
func (s *Server) KillFunction(name string) error {
	ids, err := s.Functions(name)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("no process of %s runs", name)
	}
	return syscall.Kill(ids[0], syscall.SIGKILL)
}
