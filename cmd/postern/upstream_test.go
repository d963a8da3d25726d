package main

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

// The flag goes before the setting, and without it the setting counts.
func TestUpstreamGoesBeforeItsSetting(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"": "https://b.example/mcp", "https://a.example/mcp": "https://a.example/mcp",
	} {
		env := &boot.Env{Lookup: config.Map(map[string]string{upstreamSetting: "https://b.example/mcp"})}
		withUpstream(env, flag)
		if got := env.Settings().URL(upstreamSetting); got.String() != want {
			t.Errorf("--upstream %q: got %s, want %s", flag, got, want)
		}
	}
}

// A server behind is refused as a setting would be, and beside an author's own tools.
func TestDevRefusesABadUpstream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ tools, upstream, want string }{
		{"", "http://wiki.example.com/mcp", upstreamSetting},
		{"http://127.0.0.1:8080", "http://127.0.0.1:9000/mcp", "leave one of them out"},
	} {
		_, _, err := run(t.Context(), "dev", "--data", t.TempDir(), "--tools", tt.tools, "--upstream", tt.upstream)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("--tools %q --upstream %q: got %v, want %q", tt.tools, tt.upstream, err, tt.want)
		}
	}
}
