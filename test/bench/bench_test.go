package bench

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer rig.Close()
	return m.Run()
}

// same are the cores and the garbage collector of both sides of every ratio.
var same = map[string]string{"GOMAXPROCS": "2", "GOGC": "100"}

// once opens a connection for each request, so that none outlives a process.
var once = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// BenchmarkProcessStart measures process start to first answer of each function against
// a bare functions-framework program (budget 2.0x), and the memory of both after it
// (budget 32 MiB).
func BenchmarkProcessStart(b *testing.B) {
	bare := rig.Command{Name: "bare", Path: rig.Program(b, "test/bench/bare"), Env: same}
	for _, name := range manifest.Names(manifest.HTTP) {
		b.Run(name, func(b *testing.B) {
			ours := rig.Command{Name: name, Path: rig.Program(b, "functions/"+name+"/cmd"), Env: settings(b)}
			var mine, theirs, mineMiB, theirsMiB []float64
			for b.Loop() {
				mine, mineMiB = measure(b, ours, mine, mineMiB)
				theirs, theirsMiB = measure(b, bare, theirs, theirsMiB)
			}
			b.ReportMetric(median(mine)/median(theirs), "x")
			b.ReportMetric(median(mine), "ms/ours")
			b.ReportMetric(median(theirs), "ms/bare")
			b.ReportMetric(median(mineMiB), "MiB/ours")
			b.ReportMetric(median(theirsMiB), "MiB/bare")
		})
	}
}

// settings let every function start. Nothing in them is reached: start does no I/O.
func settings(b *testing.B) map[string]string {
	keys := b.TempDir()
	all := maps.Clone(same)
	maps.Copy(all, map[string]string{
		"ISSUER_URL": "http://127.0.0.1:8085", "STORE": "firestore:bench", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
		"IDENTITY_PROVIDER": "development", "ALLOW": "anyone",
		"FERNET_KEYS_FILE":  filepath.Join(keys, "f"),
		"SIGNING_KEYS_FILE": filepath.Join(keys, "s"), "VERIFICATION_KEYS_FILE": filepath.Join(keys, "v"),
	})
	return all
}

// measure starts a process, waits for its first answer, and reads its memory.
func measure(b *testing.B, c rig.Command, times, memory []float64) ([]float64, []float64) {
	port := freeport.Port(b)
	c.Env = maps.Clone(c.Env)
	c.Env["PORT"] = port
	start := time.Now()
	p := rig.Launch(b, c)
	for {
		resp, err := once.Get("http://127.0.0.1:" + port + "/")
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Since(start) > rig.Patience {
			b.Fatalf("%s does not answer: %v\n%s", c.Name, err, p.Log.Tail(2000))
		}
		time.Sleep(200 * time.Microsecond) // a refused connection gives no other sign
	}
	times = append(times, float64(time.Since(start).Microseconds())/1000)
	memory = append(memory, resident(b, p.Pid()))
	p.Kill()
	return times, memory
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the resident memory of a process in MiB, or 0 where there is no /proc.
func resident(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := vmRSS.FindSubmatch(status)
	if m == nil {
		b.Fatal("no VmRSS in /proc")
	}
	kb, _ := strconv.ParseFloat(string(m[1]), 64) // digits, as matched
	return kb / 1024
}

// BenchmarkLogin measures a whole login over the embedded store, against as many bare
// requests with answers of the same size, plus its signature and its commits (budget 2.0x).
func BenchmarkLogin(b *testing.B) {
	ours := maps.Clone(same)
	ours["FORWARDED_FOR_HOPS"] = "1"
	s := rig.Start(b, rig.Options{Settings: ours})
	dir, port := b.TempDir(), freeport.Port(b)
	env := maps.Clone(same)
	env["DIR"], env["PORT"] = dir, port
	rig.Launch(b, rig.Command{Name: "needed", Path: rig.Program(b, "test/bench/needed"), Env: env})
	l := &login{b: b, client: keepAlive(), origin: s.Replica(0), issuer: s.URL}
	n := &bareLogin{b: b, client: keepAlive(), origin: "http://127.0.0.1:" + port}
	n.wait()
	l.run()
	n.run(l.steps)
	var mine, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		l.run()
		middle := time.Now()
		n.run(l.steps)
		mine, theirs = mine+middle.Sub(start), theirs+time.Since(middle)
	}
	b.ReportMetric(float64(mine)/float64(theirs), "x")
	b.ReportMetric(float64(mine.Microseconds())/1000/float64(b.N), "ms/ours")
	b.ReportMetric(float64(theirs.Microseconds())/1000/float64(b.N), "ms/bare")
}

func keepAlive() *http.Client {
	here := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: rig.Patience, Transport: &http.Transport{}, CheckRedirect: here}
}

// A bareLogin does what a login cannot do without.
type bareLogin struct {
	b      *testing.B
	client *http.Client
	origin string
}

func (n *bareLogin) wait() {
	for start := time.Now(); ; time.Sleep(time.Millisecond) { // as in measure
		if resp, err := n.client.Get(n.origin); err == nil {
			resp.Body.Close()
			return
		} else if time.Since(start) > rig.Patience {
			n.b.Fatal(err)
		}
	}
}

func (n *bareLogin) run(steps []step) {
	for _, s := range steps {
		at := fmt.Sprintf("%s/?body=%d%s", n.origin, s.answer, s.work)
		resp, err := n.client.Post(at, "text/plain", strings.NewReader(strings.Repeat("x", s.request)))
		if err != nil {
			n.b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			n.b.Fatalf("bare: status %d, %v", resp.StatusCode, err)
		}
	}
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
