package bench

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// refreshing returns a load of refreshes, each with the token that the one before brought.
func refreshing(host string, clients, tokens []string) load {
	return load{
		callers: len(tokens),
		next:    func(caller int) []byte { return refresh(host, clients[caller], tokens[caller]) },
		learn: func(caller int, answer []byte) {
			var body struct {
				Refresh string `json:"refresh_token"`
			}
			if json.Unmarshal(answer, &body) == nil {
				tokens[caller] = body.Refresh
			}
		},
	}
}

// refreshing returns a load of as many people who sign in.
func (d deployment) refreshing(b *testing.B, callers int) load {
	b.Helper()
	var clients, tokens []string
	for range callers {
		app := d.signIn(b)
		clients, tokens = append(clients, app.ID), append(tokens, app.RefreshToken)
	}
	return refreshing(strings.TrimPrefix(d.URL, "http://"), clients, tokens)
}

// BenchmarkRefresh compares refreshes, 8 callers, with those of node-oidc-provider, which keeps
// its records in memory: at least three times as many a second with ours in memory too. Those
// that are durable, in the embedded store, have no budget.
func BenchmarkRefresh(b *testing.B) {
	const n = 8
	d := deploy(b, nil)
	theirs, tokens := oidcProvider(b, n)
	bare := refreshing(theirs.address, slices.Repeat([]string{"bench"}, n), tokens)
	for _, c := range []struct {
		records, program string
		atLeast          float64
	}{{"memory", "test/bench/remembered", 3}, {"durable", "functions/token/cmd", 0}} {
		b.Run(c.records, func(b *testing.B) {
			signedIn := d.refreshing(b, n) // before the program reads the records
			ours := d.serve(b, "token", rig.Program(b, c.program), nil)
			pair{ours, theirs, signedIn, bare, requests / 2}.compare(b, c.atLeast)
		})
	}
}

var printed = regexp.MustCompile(`(?m)^token (\S+)$`)

// oidcProvider starts node-oidc-provider with a number of refresh tokens of its client.
func oidcProvider(b *testing.B, n int) (side, []string) {
	b.Helper()
	port := freeport.Port(b)
	p := rig.Launch(b, pinned(b, measured, rig.Command{
		Name: "oidc-provider", Path: "node", Args: []string{"server.mjs", port, fmt.Sprint(n)},
		Dir: rig.Npm(b, "oidc-provider"),
	}))
	s := side{p, "127.0.0.1:" + port}
	s.wait(b)
	if _, err := p.Says(b.Context(), printed); err != nil {
		b.Fatal(err)
	}
	var tokens []string
	for _, m := range printed.FindAllStringSubmatch(p.Log.String(), -1) {
		tokens = append(tokens, m[1])
	}
	if len(tokens) != n {
		b.Fatalf("got %d refresh tokens, want %d:\n%s", len(tokens), n, p.Log.Tail(2000))
	}
	return s, tokens
}
