package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// The whole flow of the TypeScript SDKs' own clients against three processes of every
// function without stickiness, behind a gateway that moves the credential and rewrites
// the host as API Gateway does. The functions' log counts the refreshes: these clients'
// requests pass no process of ours.
func TestTypeScriptClientsAgainstThreeReplicasOfEveryFunction(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.StartEmulated(t, 3, map[string]string{"ACCESS_TOKEN_TTL": "2s", "LOG_LEVEL": "debug"})
	for kind := range tsKinds {
		t.Run(kind, func(t *testing.T) {
			before := strings.Count(s.LogText(), `"event":"token.refreshed"`)
			c := startTS(t, s, kind)
			c.connect("octocat")
			eventually(t, "two refreshes", func() error {
				login, err := c.whoami()
				if err != nil {
					t.Fatalf("whoami: %v", err)
				}
				if login != "octocat" {
					t.Fatalf("got login %q, want octocat", login)
				}
				if got := strings.Count(s.LogText(), `"event":"token.refreshed"`) - before; got < 2 {
					return fmt.Errorf("got %d refreshes, want 2", got)
				}
				return nil
			})
			if c.logins != 1 {
				t.Errorf("got %d sign-ins, want 1", c.logins)
			}
		})
	}
}
