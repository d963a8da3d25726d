package main

import (
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

// The welcome says where records and keys lie and who may sign in, and how.
func TestWelcomeSaysWhereDataLieAndWhoMaySignIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"nothing set": {
			map[string]string{
				"STORE": "embedded:" + dir, "FERNET_KEYS_FILE": dir + "/keys/fernet",
				"IDENTITY_PROVIDER": "development", "ALLOW": "anyone",
			},
			[]string{
				"http://127.0.0.1:1/mcp", "Records in     " + dir + "\n", dir + "/keys\n",
				"anyone, by a form that believes every name",
			},
		},
		"GitHub": {
			map[string]string{
				"STORE": "firestore:acme", "FERNET_KEYS_FILE": "/k/fernet",
				"IDENTITY_PROVIDER": "github", "ALLOW": "org:acme",
				"MCP_UPSTREAMS": `[{"name":"wiki","url":"https://wiki.example.com/canary/mcp"}]`,
			},
			[]string{
				"Records in     firestore:acme\n", "by github: org:acme",
				"Also at        http://127.0.0.1:1/mcp/wiki the server at https://wiki.example.com\n",
			},
		},
	} {
		env := &boot.Env{Lookup: config.Map(c.settings)}
		var out strings.Builder
		printWelcome(&out, env, "http://127.0.0.1:1", recordsOf(env), nil)
		if strings.Contains(out.String(), "canary") {
			t.Errorf("%s: got %s, want no path of a server behind in it", name, out.String())
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: got %s, want %q in it", name, out.String(), want)
			}
		}
	}
}
