package cimd

import "testing"

// Open but for the platform's own hosts, a list of hosts, or off (SF-11, SF-16).
func TestAllowSaysWhoseDocumentsAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		setting, host string
		want          bool
	}{
		{"", "claude.ai", true}, {"", "postern-token-abc-ew.a.run.app", false},
		{"", "europe-west1-p.cloudfunctions.net", false}, {"", "x.uc.gateway.dev", false},
		{"claude.ai,vscode.dev", "claude.ai", true}, {"claude.ai, vscode.dev", "vscode.dev", true},
		{"claude.ai", "evil.claude.ai", false}, {"claude.ai", "claude.ai.example.com", false},
		{"claude.ai", "chatgpt.com", false}, {"tool.a.run.app", "tool.a.run.app", true},
		{"none", "claude.ai", false},
	} {
		a, err := Allow{}, error(nil)
		if row.setting != "" {
			a, err = ParseAllow(row.setting)
		}
		if err != nil || a.has(row.host) != row.want || a.Off() != (row.setting == "none") {
			t.Errorf("%q: got %s allowed %t, off %t, %v, want %t",
				row.setting, row.host, a.has(row.host), a.Off(), err, row.want)
		}
	}
	for _, bad := range []string{
		"none,claude.ai", "claude.ai,none", ",", "claude.ai,", "Claude.ai", "https://claude.ai", "*.claude.ai",
		"8.8.8.8", "claude.ai:443", "claude.ai/x",
	} {
		if a, err := ParseAllow(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, a)
		}
	}
}
