package idp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
	"github.com/postern-dev/postern/test/kit/tool"
)

type node struct {
	knobbed
	key jose.JSONWebKey // by which clients prove who they are
}

// StartNode starts node-oidc-provider: its clients prove who they are by private_key_jwt, its
// ID tokens say no more than who it is and user-info says the rest, its refresh tokens work
// once, and it sends iss and logout tokens.
func StartNode(t testing.TB) Provider {
	t.Helper()
	dir := rig.Npm(t, ".")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, port, origin := address(t)
	n := &node{
		knobbed{t: t, url: origin, command: rig.Command{
			Name: "node-oidc-provider", Path: tool.Node.Need(t), Dir: dir,
			Args: []string{filepath.Join(dir, "openid.mjs"), port, filepath.Join(t.TempDir(), "state.json")},
		}},
		jose.JSONWebKey{Key: private, KeyID: "client", Algorithm: string(jose.ES256), Use: "sig"},
	}
	n.Start(t)
	return n
}

func (n *node) Settings(t testing.TB, client string) map[string]string {
	t.Helper()
	key, err := json.Marshal(n.key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": n.url, "OIDC_CLIENT_ID": client,
		"OIDC_CLIENT_KEY_FILE": keep(t, "client-key", key),
	}
}

func (n *node) Register(t testing.TB, client string, s *rig.Server) {
	t.Helper()
	key, err := json.Marshal(n.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	n.do(t, "client", client, url.Values{
		"key": {string(key)}, "callback": {callback(s)}, "logout": {logout(s)},
	})
}

// Logout is the provider's own page, in the person's browser.
func (n *node) Logout(t testing.TB, b *oauthtest.Browser, _ string) {
	t.Helper()
	p, err := b.Get(t.Context(), n.url+"/session/end")
	if err != nil {
		t.Fatal(err)
	}
	form := p.FormWith("logout=yes")
	if form == nil {
		t.Fatalf("sign out: got status %d, want the provider's question", p.Status)
	}
	if p, err = b.Submit(t.Context(), p, form, nil, "logout=yes"); err != nil || p.Status != http.StatusOK {
		t.Fatalf("sign out: got %+v, %v", p, err)
	}
}
