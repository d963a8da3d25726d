package bench

import (
	"fmt"
	"maps"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/firestoretest"
)

var callers = []int{1, 8, 32}

// inFirestore are the settings of a store as functions have it.
func inFirestore(b *testing.B) map[string]string {
	return map[string]string{"STORE": "firestore:bench", "FIRESTORE_EMULATOR_HOST": firestoretest.Start(b).Address}
}

func bareSDK(b *testing.B, core string, more map[string]string) side {
	b.Helper()
	env := maps.Clone(collector)
	maps.Copy(env, more)
	return serve(b, core, rig.Command{Name: "sdk", Path: rig.Program(b, "test/bench/sdk"), Env: env})
}

// BenchmarkToolCall compares a tool call with a valid token, in an author's function as it is
// deployed, with one of the bare SDK server with the same tool: at least 0.90 of its rate. The
// function's memory is at most 24 MiB before the load, and 64 MiB under it.
func BenchmarkToolCall(b *testing.B) {
	d := deploy(b, inFirestore(b))
	ours, bare := d.serve(b, "echo", rig.Program(b, "test/bench/echo"), nil), bareSDK(b, measured, nil)
	request := d.echo(d.signIn(b))
	same(1, request).run(b, ours, 1)
	b.Run("memory/idle", func(b *testing.B) { atMostBudget(b, resident(b, ours.Pid()), 24, "MiB") })
	for _, n := range callers {
		b.Run(fmt.Sprint("callers=", n), func(b *testing.B) {
			l := same(n, request)
			pair{ours, bare, l, l, requests}.compare(b, 0.90)
		})
	}
	b.Run("memory/callers=32", func(b *testing.B) { atMostBudget(b, resident(b, ours.Pid()), 64, "MiB") })
}

// BenchmarkProxy compares a call to a server behind the function with one through a bare reverse
// proxy: at least 0.85 of its rate. Where the server takes 20 ms, half of the calls take at most
// 1.05 times as long as without anything in between.
func BenchmarkProxy(b *testing.B) {
	d := deploy(b, inFirestore(b))
	app, program := d.signIn(b), deployed(b, "mcp")
	behind := func(b *testing.B, upstream side) side {
		return d.serve(b, "mcp", program, map[string]string{
			"FUNCTION_TARGET": "mcp", "MCP_UPSTREAM_URL": "http://" + upstream.address + "/mcp",
		})
	}
	quick := bareSDK(b, others, nil)
	ours := behind(b, quick)
	bare := serve(b, measured, rig.Command{
		Name: "reverse", Path: rig.Program(b, "test/bench/reverse"),
		Env: map[string]string{"GOGC": collector["GOGC"], "UPSTREAM": "http://" + quick.address},
	})
	for _, n := range callers {
		b.Run(fmt.Sprint("callers=", n), func(b *testing.B) {
			l := same(n, d.echo(app))
			pair{ours, bare, l, l, requests}.compare(b, 0.85)
		})
	}
	slow := bareSDK(b, others, map[string]string{"DELAY": "20ms"})
	before := behind(b, slow)
	b.Run("20ms", func(b *testing.B) {
		l := same(8, d.echo(app))
		mine, theirs := pair{before, slow, l, l, 400}.rounds(b)
		p50 := func(m measurement) float64 { return m.p50.Seconds() * 1000 }
		b.ReportMetric(of(mine, p50), "ms-p50-ours")
		b.ReportMetric(of(theirs, p50), "ms-p50-direct")
		atMostBudget(b, ratio(mine, theirs, p50), 1.05, "p50-x")
	})
}
