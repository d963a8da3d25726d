// Package emulator runs the Firestore emulator for tests.
//
//	func TestMain(m *testing.M) { os.Exit(emulator.Run(m)) }
//
//	func TestX(t *testing.T) {
//		project := emulator.Project(t)
//		…
//	}
//
// The emulator starts with the first Project, once per test program, on a free
// port of 127.0.0.1, and ends with the program, however that ends. If
// FIRESTORE_EMULATOR_HOST is set, that one is used and left running.
package emulator

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/tool"
)

// Variable is the environment variable through which the Firestore client finds
// the emulator.
const Variable = "FIRESTORE_EMULATOR_HOST"

var (
	// Looking for it takes a second, so that is done once.
	installed = tool.Tool{Name: tool.Firestore.Name, Path: sync.OnceValues(tool.Firestore.Path)}

	start    = sync.OnceValue(startProcess)
	process  emulator
	projects atomic.Int64
)

// Project makes sure that an emulator runs and returns a project id that no other
// test uses, of any program: its documents begin empty.
//
// Without an emulator the test is skipped, or fails with CI=true (see package tool). With
// POSTERN_FAST=1 it is skipped, and says what to type to run it.
func Project(t testing.TB) string {
	t.Helper()
	if os.Getenv("POSTERN_FAST") == "1" && os.Getenv(Variable) == "" {
		t.Skip("needs the Firestore emulator; to run it: POSTERN_FAST= go test -run '" + t.Name() + "'")
	}
	if os.Getenv(Variable) == "" {
		installed.Need(t)
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("test-%d-%x-%d", os.Getpid(), time.Now().UnixNano(), projects.Add(1))
}

// Run runs the tests of m, stops the emulator if one was started, and returns the
// exit code.
func Run(m *testing.M) int {
	defer process.stop()
	return m.Run()
}

// An emulator is a shell with gcloud as its child. The shell reads a pipe of which
// this program holds the other end; when that closes, by stop or because this
// program died, it ends gcloud and what gcloud started.
type emulator struct {
	command *exec.Cmd
	held    io.Closer
	host    string
}

// gcloud makes itself the leader of a process group, which has the Java process in
// it; so both the process and the group are named. setpgid keeps an interrupt
// at the terminal from the shell, which has to outlive this program.
const script = `gcloud emulators firestore start --host-port="$1" &
pid=$!
cat >/dev/null
kill -TERM "$pid" "-$pid"
(sleep 5; kill -KILL "$pid" "-$pid") &
killer=$!
wait "$pid"
kill "$killer"
kill -KILL "-$pid"`

func startProcess() error {
	if os.Getenv(Variable) != "" {
		return nil
	}
	host, err := freeport.Address()
	if err != nil {
		return fmt.Errorf("start the Firestore emulator: %w", err)
	}
	log, err := os.CreateTemp("", "firestore-emulator-*.log")
	if err != nil {
		return fmt.Errorf("start the Firestore emulator: %w", err)
	}
	_ = os.Remove(log.Name()) // open it stays, and nothing is left behind
	process.host = host
	process.command = exec.Command("/bin/sh", "-c", script, "emulator", host)
	process.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.command.Stdout, process.command.Stderr = log, log
	if process.held, err = process.command.StdinPipe(); err != nil {
		return fmt.Errorf("start the Firestore emulator: %w", err)
	}
	if err := process.command.Start(); err != nil {
		return fmt.Errorf("start the Firestore emulator: %w", err)
	}
	return process.ready(log)
}

// ready waits for GET / to answer Ok, 60 s at most, and tells the client's library
// where to look.
func (e *emulator) ready(log *os.File) error {
	defer log.Close()
	client := &http.Client{Timeout: time.Second}
	for range 600 {
		response, err := client.Get("http://" + e.host + "/")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				e.warm()
				return os.Setenv(Variable, e.host)
			}
		}
		time.Sleep(100 * time.Millisecond) // another program's start gives no sign of its own
	}
	said, _ := io.ReadAll(io.NewSectionReader(log, 0, 1<<20))
	return fmt.Errorf("the Firestore emulator does not answer on %s after 60 s. It said:\n%s", e.host, said)
}

// warm makes the emulator load its code with a look at a document that is not there. On a
// busy machine that takes seconds, which the first test's deadline should not pay.
func (e *emulator) warm() {
	client := &http.Client{Timeout: 30 * time.Second}
	document := "http://" + e.host + "/v1/projects/warm/databases/(default)/documents/a/b"
	if response, err := client.Get(document); err == nil {
		response.Body.Close()
	}
}

// stop ends the emulator and waits for it. It does nothing if none was started.
func (e *emulator) stop() {
	if e.command == nil || e.command.Process == nil {
		return
	}
	client := &http.Client{Timeout: 2 * time.Second}
	if response, err := client.Post("http://"+e.host+"/shutdown", "", nil); err == nil {
		response.Body.Close()
	}
	_ = e.held.Close()
	_ = e.command.Wait() // its result is that of the last kill, which may find nothing left
}
