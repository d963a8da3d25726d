package bench

import (
	"testing"

	"github.com/postern-dev/postern/shared/store/drivers"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// BenchmarkManyRecords compares whole requests among many clients and grants with those among a
// thousand: refreshes, which read a client and a grant and write one, pages of /authorize, which
// read a client, and tool calls, which read nothing once their grant was looked at. At most 1.1
// times as long, so at least 0.91 of the rate. The store and its server have the loader's core,
// but for the embedded one.
func BenchmarkManyRecords(b *testing.B) {
	for _, s := range []struct {
		name string
		many int
		open func(b *testing.B) string // a STORE setting, of a store that is empty
	}{
		{"embedded", many, func(b *testing.B) string { return "embedded:" + b.TempDir() }},
		{"postgres", many, migrated},
		{"firestore", many / 10, func(b *testing.B) string { return "firestore:" + emulator.Project(b) }},
	} {
		b.Run(s.name, func(b *testing.B) {
			large, small := among(b, s.open(b), s.many), among(b, s.open(b), few)
			whoami := func(d deployment, b *testing.B) load { return same(8, d.call(d.signIn(b), "whoami", "{}")) }
			for _, request := range []struct {
				name, function string
				load           func(d deployment, b *testing.B) load
			}{
				{"refresh", "token", func(d deployment, b *testing.B) load { return d.refreshing(b, 8) }},
				{"page", "authorize", func(d deployment, b *testing.B) load { return same(8, d.page(d.signIn(b))) }},
				{"call", "mcp", whoami},
			} {
				b.Run(request.name, func(b *testing.B) {
					program := rig.Program(b, "functions/"+request.function+"/cmd")
					ours := large.serve(b, request.function, program, nil)
					bare := small.serve(b, request.function, program, nil)
					pair{ours, bare, request.load(large, b), request.load(small, b), requests / 2}.compare(b, 1/1.1)
				})
			}
		})
	}
}

// migrated returns an empty database with the tables of a store.
func migrated(b *testing.B) string {
	b.Helper()
	setting := postgres.Database(b)
	p := rig.Launch(b, rig.Command{
		Name: "migrate", Path: rig.Program(b, "cmd/postern"), Args: []string{"store", "migrate"},
		Env: map[string]string{"STORE": setting},
	})
	if code, err := p.Wait(b.Context()); code != 0 || err != nil {
		b.Fatalf("store migrate: exit code %d, %v\n%s", code, err, p.Log.Tail(2000))
	}
	return setting
}

// among returns a deployment over a store with n clients and n grants.
func among(b *testing.B, setting string, n int) deployment {
	b.Helper()
	d := deploy(b, map[string]string{"STORE": setting})
	open, err := drivers.All.Open(b.Context(), setting)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, open, "clients", n)
	fill(b, open, "grants", n)
	if err := open.Close(); err != nil {
		b.Fatal(err)
	}
	return d
}
