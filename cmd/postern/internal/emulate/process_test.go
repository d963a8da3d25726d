package emulate

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helper makes the test's own program act as a function, or as a parent of one.
const helper = "POSTERN_EMULATE_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helper) {
	case "function":
		fmt.Println("listening")
		pid := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) }
		err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(pid))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "broken":
		fmt.Fprintln(os.Stderr, "configuration has 1 problem")
		os.Exit(3)
	case "parent":
		parent()
	}
	os.Exit(m.Run())
}

// parent starts one function, says where it is, and stays.
func parent() {
	quiet := slog.New(slog.DiscardHandler)
	f := newFleet("token", os.Args[0], []string{helper + "=function"}, &lineWriter{w: io.Discard}, quiet)
	if err := f.start(context.Background(), context.Background(), 1); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(f.live[0].address)
	select {}
}

func testFleet(t *testing.T, role string, out io.Writer) *fleet {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), helper+"="+role)
	return newFleet("token", program, env, &lineWriter{w: out}, slog.New(slog.DiscardHandler))
}

// started starts n replicas that end with the test.
func started(t *testing.T, n int) (f *fleet, end func()) {
	t.Helper()
	f = testFleet(t, "function", io.Discard)
	running, cancel := context.WithCancel(context.Background())
	end = func() { cancel(); f.wait() }
	t.Cleanup(end)
	if err := f.start(t.Context(), running, n); err != nil {
		t.Fatal(err)
	}
	return f, end
}

// eventually waits up to a minute for something to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if is() {
			return
		}
		<-tick.C
	}
	t.Fatalf("not within a minute: %s", what)
}

func refuses(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return true
	}
	c.Close()
	return false
}

func TestAKilledReplicaIsStartedAgain(t *testing.T) {
	t.Parallel()
	f, _ := started(t, 2)
	first, err := f.pick(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.process.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.process.done
	eventually(t, "two replicas live, neither of them the killed one", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.live) == 2 && f.live[0] != first && f.live[1] != first
	})
}

func TestTheEndEndsEveryProcess(t *testing.T) {
	t.Parallel()
	f, end := started(t, 3)
	live := append([]*instance(nil), f.live...)
	for _, in := range live {
		if pgid, err := syscall.Getpgid(in.process.cmd.Process.Pid); err != nil || pgid != in.process.cmd.Process.Pid {
			t.Errorf("process group %d, %v; want its own", pgid, err)
		}
	}
	end()
	for _, in := range live {
		if !in.process.ended() || !refuses(in.address) {
			t.Errorf("%s still runs", in.address)
		}
	}
}

func TestChildrenOfAKilledParentEnd(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends the children of a killed parent")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), helper+"=parent")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address := strings.TrimSpace(line)
	if err != nil || refuses(address) {
		t.Errorf("the child at %q does not answer: %v", address, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	eventually(t, "the child is gone", func() bool { return refuses(address) })
}

func TestAProcessThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := testFleet(t, "broken", &out)
	err := f.start(t.Context(), t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "configuration has 1 problem") ||
		!strings.Contains(err.Error(), "function token") {
		t.Errorf("got %v", err)
	}
	f.wait()
}

func TestLinesStayWhole(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	to := &lineWriter{w: &b}
	one, two := &output{to: to}, &output{to: to}
	for _, w := range []struct {
		o *output
		s string
	}{{one, "a"}, {two, "x\n\n"}, {one, "b\n \nc"}, {two, "y"}, {two, "z\n"}} {
		if n, err := io.WriteString(w.o, w.s); n != len(w.s) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	}
	if got, want := b.String(), "x\nab\nyz\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := one.tail(), "ab\nc"; got != want {
		t.Errorf("tail is %q, want %q", got, want)
	}
}
