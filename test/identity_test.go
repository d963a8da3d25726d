package test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	tells "github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

// An upstreamServer is what an MCP server behind ours is told: who signs, its own URL, and
// where the keys are.
type upstreamServer struct{ issuer, audience, keys string }

// A verifier returns the claims of each token, nil for one that it refuses.
type verifier func(t *testing.T, u upstreamServer, tokens []string) []map[string]any

// verifiers are those that servers use as they are.
var verifiers = map[string]verifier{
	"FastMCP": func(t *testing.T, u upstreamServer, tokens []string) []map[string]any {
		dir, python := rig.Python(t)
		return verifiedBy(t, u, tokens, python, filepath.Join(dir, "verify.py"))
	},
	"jose": func(t *testing.T, u upstreamServer, tokens []string) []map[string]any {
		dir := rig.Npm(t, ".")
		return verifiedBy(t, u, tokens, tool.Node.Need(t), filepath.Join(dir, "verify.mjs"))
	},
	"go-oidc": verifiedByGo,
}

// verifiedBy gives the tokens to a program, one a line.
func verifiedBy(t *testing.T, u upstreamServer, tokens []string, program, script string) []map[string]any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, script, u.issuer, u.audience, u.keys)
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(tokens, "\n")), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	all := make([]map[string]any, len(tokens))
	lines := json.NewDecoder(bytes.NewReader(out))
	for i := range all {
		if err := lines.Decode(&all[i]); err != nil {
			t.Fatalf("%s: answer %d of %d: %v", script, i+1, len(all), err)
		}
	}
	return all
}

func verifiedByGo(t *testing.T, u upstreamServer, tokens []string) []map[string]any {
	t.Helper()
	v := oidc.NewVerifier(u.issuer, oidc.NewRemoteKeySet(t.Context(), u.keys),
		&oidc.Config{ClientID: u.audience, SupportedSigningAlgs: []string{oidc.ES256}})
	all := make([]map[string]any, len(tokens))
	for i, raw := range tokens {
		token, err := v.Verify(t.Context(), raw)
		if err != nil {
			continue
		}
		if err := token.Claims(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A server behind ours that has a stock verifier, the issuer, its own URL and the address of the
// keys knows who calls. It takes nothing that was made for another server or by another, that has
// expired, that the keys of access tokens signed, nor an access token (MP-17, AT-05).
func TestStockVerifiersKnowWhoCalls(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{})
	a := newApp(t, s)
	if err := a.SignIn(t.Context(), s.Browser(a.Redirect), "octocat"); err != nil {
		t.Fatal(err)
	}
	u := upstreamServer{issuer: s.URL, audience: "https://wiki.example.com/mcp", keys: s.URL + oauth.IdentityKeysPath}
	sign := func(ring string, late time.Duration, change func(*tells.Claims)) string {
		t.Helper()
		c := tells.Claims{
			Issuer: u.issuer, Audience: u.audience, Subject: "development:octocat", Login: "octocat",
			Email: "octocat@example.com", Name: "The Octocat", ClientID: "c_1", Scopes: oauth.Scopes{"mcp"},
		}
		change(&c)
		file := keyfile.New(filepath.Join(s.Data(), "keys", ring), signing.ParseRing, nil)
		signer := tells.Signer{Ring: file, Now: func() time.Time { return time.Now().Add(-late) }}
		raw, err := signer.Token(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	const ring = "identity-keys.json"
	as := func(*tells.Claims) {}
	bad := []struct{ name, token string }{
		{"for another server", sign(ring, 0, func(c *tells.Claims) { c.Audience = "https://mail.example.com/mcp" })},
		{"of another issuer", sign(ring, 0, func(c *tells.Claims) { c.Issuer = "https://auth.example.com" })},
		{"expired", sign(ring, time.Hour, as)},
		{"signed by a key of access tokens", sign("signing-keys.json", 0, as)},
		{"an access token", a.AccessToken},
	}
	tokens := []string{sign(ring, 0, as)}
	for _, b := range bad {
		tokens = append(tokens, b.token)
	}
	for name, verify := range verifiers {
		t.Run(name, func(t *testing.T) {
			claims := verify(t, u, tokens)
			for name, want := range map[string]string{
				"sub": "development:octocat", "preferred_username": "octocat", "email": "octocat@example.com",
				"name": "The Octocat", "client_id": "c_1", "scope": "mcp",
			} {
				if got := claims[0][name]; got != want {
					t.Errorf("%s: got %v, want %s", name, got, want)
				}
			}
			for i, b := range bad {
				if got := claims[i+1]; got != nil {
					t.Errorf("%s: got %v, want it refused", b.name, got)
				}
			}
		})
	}
	// The other way round, /mcp does not take what was made for a server behind it.
	a.AccessToken = sign(ring, 0, func(c *tells.Claims) { c.Audience = s.MCP })
	if login, err := a.Whoami(t.Context(), rig.Modern); err == nil {
		t.Errorf("/mcp took an identity token and said %s, want it refused", login)
	}
}
