package bench

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer rig.Close()
	defer postgres.Stop()
	return emulator.Run(m)
}

// once opens a connection for each request, so that none outlives a process.
var once = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// starts is how often each side is started, in turns.
const starts = 40

// BenchmarkProcessStart measures process start to first answer of each function, as it is
// deployed, against a bare functions-framework program: at most 1.6 times as long. Its memory
// after that is at most 24 MiB.
func BenchmarkProcessStart(b *testing.B) {
	bare := pinned(b, measured, rig.Command{Name: "bare", Path: rig.Program(b, "test/bench/bare"), Env: collector})
	for _, name := range manifest.Names(manifest.HTTP) {
		b.Run(name, func(b *testing.B) {
			ours := pinned(b, measured, rig.Command{Name: name, Path: deployed(b, name), Env: settings(b, name)})
			var mine, theirs, ratios, mineMiB, theirsMiB []float64
			for range starts {
				mine, mineMiB = measure(b, ours, mine, mineMiB)
				theirs, theirsMiB = measure(b, bare, theirs, theirsMiB)
				ratios = append(ratios, mine[len(mine)-1]/theirs[len(theirs)-1])
			}
			b.ReportMetric(median(mine), "ms/ours")
			b.ReportMetric(median(theirs), "ms/bare")
			b.ReportMetric(median(theirsMiB), "MiB/bare")
			atMostBudget(b, median(mineMiB), 24, "MiB/ours")
			atMostBudget(b, median(ratios), 1.6, "x")
		})
	}
}

// settings let every function start as it is deployed: not with the development sign-in, which makes every part
// of an MCP server at the start. Nothing in them is reached: start does no I/O.
func settings(b *testing.B, name string) map[string]string {
	keys := b.TempDir()
	all := maps.Clone(collector)
	maps.Copy(all, map[string]string{
		"FUNCTION_TARGET": name, "ISSUER_URL": "http://127.0.0.1:8085",
		"STORE": "firestore:bench", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
		"IDENTITY_PROVIDER": "github", "ALLOW": "user:octocat",
		"GITHUB_CLIENT_ID": "Iv1.0123456789abcdef", "GITHUB_CLIENT_SECRET_FILE": filepath.Join(keys, "g"),
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

// logins is how often each side signs in, in turns.
const logins = 200

// BenchmarkLogin measures a whole login over the embedded store, against as many bare
// requests with answers of the same size, plus its signature and its commits: at most 1.6
// times as long.
func BenchmarkLogin(b *testing.B) {
	ours := maps.Clone(collector)
	ours["FORWARDED_FOR_HOPS"] = "1"
	s := rig.Start(b, rig.Options{Settings: ours})
	dir, port := b.TempDir(), freeport.Port(b)
	env := maps.Clone(collector)
	env["DIR"], env["PORT"] = dir, port
	needed := rig.Launch(b, rig.Command{Name: "needed", Path: rig.Program(b, "test/bench/needed"), Env: env})
	l := &login{b: b, client: keepAlive(), origin: s.Replica(0), issuer: s.URL}
	n := &bareLogin{b: b, client: keepAlive(), origin: "http://127.0.0.1:" + port}
	n.wait()
	l.run()
	n.run(l.steps)
	server, bare := side{Process: s.Process()}, side{Process: needed}
	serverCPU, bareCPU := server.cpu(b), bare.cpu(b)
	var mine, theirs, ratios []float64
	for range logins {
		start := time.Now()
		l.run()
		middle := time.Now()
		n.run(l.steps)
		mine = append(mine, float64(middle.Sub(start).Microseconds())/1000)
		theirs = append(theirs, float64(time.Since(middle).Microseconds())/1000)
		ratios = append(ratios, mine[len(mine)-1]/theirs[len(theirs)-1])
	}
	b.ReportMetric(median(mine), "ms/ours")
	b.ReportMetric(median(theirs), "ms/bare")
	b.ReportMetric((server.cpu(b)-serverCPU).Seconds()*1000/logins, "ms-cpu-ours")
	b.ReportMetric((bare.cpu(b)-bareCPU).Seconds()*1000/logins, "ms-cpu-bare")
	atMostBudget(b, median(ratios), 1.6, "x")
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
