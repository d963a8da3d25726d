package bench

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// The measured process has a core to itself; the loader, and a server behind the measured
// one, have the other.
const measured, others = "0", "1"

// pinned is c on a core of its own; without taskset nothing is measured.
func pinned(b *testing.B, core string, c rig.Command) rig.Command {
	b.Helper()
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		b.Fatal("taskset is not installed, which gives each side a core: apt-get install util-linux")
	}
	if err := keepAway(taskset); err != nil {
		b.Fatal(err)
	}
	c.Args = append([]string{"-c", core, c.Path}, c.Args...)
	c.Path = taskset
	return c
}

var away sync.Once

// keepAway keeps this program, and what it starts without saying where, off the measured core.
func keepAway(taskset string) (err error) {
	away.Do(func() {
		out, failed := exec.Command(taskset, "-a", "-c", "-p", others, strconv.Itoa(os.Getpid())).CombinedOutput()
		if failed != nil {
			err = fmt.Errorf("taskset: %w: %s", failed, out)
		}
	})
	return err
}

// A side is one of the processes that are compared, at an address.
type side struct {
	*rig.Process
	address string
}

// serve starts c on a core, told its port by PORT, with what it writes in a file, and waits until it listens.
func serve(b *testing.B, core string, c rig.Command) side {
	b.Helper()
	port := freeport.Port(b)
	c.Env = maps.Clone(c.Env)
	if c.Env == nil {
		c.Env = map[string]string{}
	}
	c.Env["PORT"] = port
	file, err := os.Create(b.TempDir() + "/log")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	c.Stdout = file
	s := side{rig.Launch(b, pinned(b, core, c)), "127.0.0.1:" + port}
	s.wait(b)
	return s
}

func (s side) wait(b *testing.B) {
	b.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) { // a refused connection gives no other sign
		if resp, err := once.Get("http://" + s.address + "/"); err == nil {
			resp.Body.Close()
			return
		} else if time.Since(start) > rig.Patience {
			b.Fatalf("no answer: %v\n%s", err, s.Log.Tail(2000))
		}
	}
}

// cpu is the time of a core that a process has used so far, user and system.
func (s side) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Pid()))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name may have blanks
	fields := bytes.Fields(rest)
	var ticks int
	for _, f := range fields[11:13] { // proc(5): utime and stime, in hundredths of a second
		n, err := strconv.Atoi(string(f))
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the resident memory of a process in MiB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := vmRSS.FindSubmatch(status)
	if m == nil {
		b.Fatal("no VmRSS in /proc")
	}
	kb, _ := strconv.ParseFloat(string(m[1]), 64) // digits, as matched
	return kb / 1024
}
