package upstream_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/upstream"
)

// A group is a rule as in ALLOW, in its one spelling, by which its answers are kept.
func TestParseGroups(t *testing.T) {
	t.Parallel()
	g, err := upstream.ParseGroups([]string{"org:acme", "team:acme/ops", "org:acme"})
	if err != nil || g.None() {
		t.Fatalf("got %v, %v; want two rules", g, err)
	}
	all := map[string]bool{"org:acme": false, "team:acme/ops": true}
	if g.Known(map[string]bool{"org:acme": true}) || !g.Known(all) {
		t.Error("Known: want it to look for an answer to every rule, whatever it is")
	}
	_, err = upstream.ParseGroups([]string{"acme", "org:Acme", "org:ok"})
	if err == nil || !strings.Contains(err.Error(), `"acme"`) ||
		!strings.Contains(err.Error(), `"org:Acme": write it org:acme`) {
		t.Errorf("got %v, want both bad ones named", err)
	}
	if g, err := upstream.ParseGroups(nil); err != nil || !g.None() || !g.Known(nil) {
		t.Errorf("got %v, %v; want nothing to ask", g, err)
	}
}

// Nobody is let in by a group, but the provider has to be able to answer it, with the scopes
// that it takes.
func TestGroupsAreForTheProviderToAnswer(t *testing.T) {
	t.Parallel()
	allow, err := upstream.ParseAllow("user:octocat")
	if err != nil {
		t.Fatal(err)
	}
	g, err := upstream.ParseGroups([]string{"team:acme/ops"})
	if err != nil {
		t.Fatal(err)
	}
	both := g.Beside(allow)
	if got := both.RequiredScopes(); len(got) != 1 || got[0] != "read:org" || len(allow.RequiredScopes()) != 0 {
		t.Errorf("got scopes %v, and %v alone; want read:org with the group", got, allow.RequiredScopes())
	}
	if both.Fits(&upstream.Development{}) == nil || allow.Fits(&upstream.Development{}) != nil {
		t.Error("Fits: want the group to need a provider with teams")
	}
}

// A claim of an OpenID Connect provider answers as it does for ALLOW; what the provider leaves
// out is no group of the person's.
func TestGroupsByClaims(t *testing.T) {
	t.Parallel()
	g, err := upstream.ParseGroups([]string{"group:ops", "group:dev", "claim:department=sales"})
	if err != nil {
		t.Fatal(err)
	}
	id := upstream.Identity{Subject: "x:1", Claims: &upstream.Claims{
		Values: map[string]any{"groups": []any{"ops"}}, GroupClaim: "groups",
	}}
	got, err := g.Check(t.Context(), &upstream.Development{}, upstream.Token{}, id)
	want := map[string]bool{"group:ops": true, "group:dev": false, "claim:department=sales": false}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
