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

// The operator's name is the server's title where its author gave none, and "Postern" where nobody did.
func TestServerIsCalledWhatTheOperatorCallsIt(t *testing.T) {
	t.Parallel()
	authors := func(title string) func(Deps) Server {
		return func(Deps) Server { return Server{Name: "x", Title: title} }
	}
	for _, c := range []struct {
		describe   func(Deps) Server
		said, want string
	}{
		{nil, "", "Postern"},
		{nil, "Acme Tools", "Acme Tools"},
		{authors(""), "Acme Tools", "Acme Tools"},
		{authors("Hello"), "Acme Tools", "Hello"},
		{authors(""), "", ""},
	} {
		f := newEndpoint(t)
		f.Describe, f.ServerName = c.describe, c.said
		h := &handler{Config: f.Config}
		if err := h.describe(); err != nil || h.about.Title != c.want {
			t.Errorf("author %t, operator %q: got %q, %v; want %q",
				c.describe != nil, c.said, h.about.Title, err, c.want)
		}
	}
}
