package mcp

import "testing"

// A tool may ask for more, but nobody has to: with the one default scope every tool that comes with
// the server can be called (J4, J2).
func TestToolsAskForNoMoreThanTheDefaultScope(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	for _, tool := range Builtin(f.deps()).Parts {
		if len(tool.scopes) != 0 {
			t.Errorf("%s: got scopes %v, want none beside mcp", tool.name, tool.scopes)
		}
	}
	if got := echo("wipe").Needs("admin").scopes; len(got) != 1 || got[0] != "admin" {
		t.Errorf("Needs: got scopes %v, want admin", got)
	}
}
