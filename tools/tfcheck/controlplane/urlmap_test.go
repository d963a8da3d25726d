package controlplane

import (
	"net/http"
	"strings"
	"testing"
)

// TestAURLMapIsRefused by what Google documents of its rules.
func TestAURLMapIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.cloud.enable("compute.googleapis.com")
	const sound = `{"name": "a", "hostRules": [{"hosts": ["*"], "pathMatcher": "m"}], "pathMatchers": [{"name": "m",
	  "routeRules": [{"priority": 1, "matchRules": [{"fullPathMatch": "/token"}]},
	  {"priority": 2, "matchRules": [{"pathTemplateMatch": "/mcp/*/.well-known/**"}]}]}]}`
	const maps = "compute/v1/projects/acme-mcp/global/urlMaps"
	for _, tt := range []struct{ old, new, want string }{
		{`"pathMatcher": "m"`, `"pathMatcher": "n"`, "path matcher 'n'"},
		{`"priority": 2`, `"priority": 1`, "priority 1"},
		{`"fullPathMatch": "/token"`, `"fullPathMatch": "token"`, "'token'"},
		{`"fullPathMatch": "/token"`, `"fullPathMatch": "/token", "prefixMatch": "/token/"`, "has 2 of"},
		{`{"fullPathMatch": "/token"}`, `{}`, "has 0 of"},
		{`/mcp/*/.well-known/**`, `/mcp/**/.well-known`, "segment '**'"},
		{`/mcp/*/.well-known/**`, `/mcp/{name}/x`, "segment '{name}'"},
		{`/mcp/*/.well-known/**`, `/mcp/a*`, "segment 'a*'"},
		{`/mcp/*/.well-known/**`, `/*/*/*/*/*/*`, "too long"},
		{`"routeRules"`, `"pathRules": [{"paths": ["/x"]}], "routeRules"`, "only one of"},
	} {
		status, answer := c.call("POST", maps, strings.Replace(sound, tt.old, tt.new, 1))
		if message := str(answer, "error", "message"); status != http.StatusBadRequest || !strings.Contains(message, tt.want) {
			t.Errorf("%s: got %d %q, want 400 with %q", tt.new, status, message, tt.want)
		}
	}
	if status, answer := c.call("POST", maps, sound); status != http.StatusOK {
		t.Errorf("a sound url map: got %d %v", status, answer)
	}
}
