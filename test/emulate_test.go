package test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/test/internal/rig"
)

// With every function a process of its own, three of each, behind a gateway: one process
// after the other is killed, and the client does not notice.
func TestGoClientSurvivesKillsOfSingleFunctions(t *testing.T) {
	rig.Slow(t)
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc; run it on Linux")
	}
	t.Parallel()
	s := rig.StartEmulated(t, 3, map[string]string{"ACCESS_TOKEN_TTL": "2s"})
	c := connectGo(t, s, "octocat")
	for _, name := range append(manifest.Names(manifest.HTTP), "token", "mcp") {
		if err := s.KillFunction(name); err != nil {
			t.Fatal(err)
		}
		before := s.Witness.Refreshes()
		eventually(t, "a refresh after the kill of "+name, func() error {
			who, err := c.whoami(t.Context())
			if err != nil {
				t.Fatalf("whoami after the kill of %s: %v", name, err)
			}
			if who.Login != "octocat" {
				t.Fatalf("got login %q, want octocat", who.Login)
			}
			if s.Witness.Refreshes() == before {
				return fmt.Errorf("no refresh yet")
			}
			return nil
		})
	}
	oneLogin(t, s, c)
}

// FUNCTION_TARGET=token go run ./functions/token/cmd, as functions-framework's users know it.
func TestOneFunctionRunsAloneAndNamesEveryBadSetting(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	p := rig.Launch(t, rig.Command{
		Name: "token", Path: rig.Program(t, "functions/token/cmd"), Dir: t.TempDir(),
		Env: map[string]string{
			"FUNCTION_TARGET": "token", "ISSUER_URL": "example.com/", "STORE": "mysql:x", "ACCESS_TOKEN_TTL": "soon",
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if code == 0 {
		t.Error("got exit code 0, want a failure")
	}
	for _, name := range []string{
		"ISSUER_URL", "STORE", "ACCESS_TOKEN_TTL", "ALLOW", "IDENTITY_PROVIDER",
		"FERNET_KEYS_FILE", "SIGNING_KEYS_FILE",
	} {
		if !strings.Contains(p.Log.String(), name) {
			t.Errorf("got no word of %s in:\n%s", name, p.Log.String())
		}
	}
}
