// Package idp runs real OpenID Connect providers for tests, each a process of its own on another
// site than the server: what people and clients there are, and what becomes of them, is up to the
// test.
//
//	zitadel.go    the certified provider of github.com/zitadel/oidc (test/zitadel)
//	node.go       node-oidc-provider (test/npm/openid.mjs)
//	knobs.go      what these two have in common
//	keycloak.go   Keycloak (test/keycloak)
package idp

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A Provider is an OpenID Connect provider that runs. Everybody's password is
// [oauthtest.Password].
type Provider interface {
	// URL is the issuer.
	URL() string
	// Settings are those of a server that is the client of that name here.
	Settings(t testing.TB, client string) map[string]string
	// Register registers a server as the client of its settings.
	Register(t testing.TB, client string, s *rig.Server)
	// SetUser makes an account, or changes one.
	SetUser(t testing.TB, login string, groups ...string)
	// Disable closes an account.
	Disable(t testing.TB, login string)
	// RotateKeys makes it sign with a new key. What an older one signed is not good any more.
	RotateKeys(t testing.TB)
	// Logout ends a person's session: in the browser in which it began, where that is the way.
	Logout(t testing.TB, b *oauthtest.Browser, login string)
	// Stop ends the process, Start starts it again where it was, with all that it knew.
	Stop()
	Start(t testing.TB)
}

// A Description is what a provider says of itself, as far as tests look.
type Description struct {
	AuthURL    string   `json:"authorization_endpoint"`
	SaysIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	LogsOut    bool     `json:"backchannel_logout_supported"`
	Prompts    []string `json:"prompt_values_supported"`
}

// Describe reads what a provider says of itself.
func Describe(t testing.TB, p Provider) (d Description) {
	t.Helper()
	resp, err := http.Get(p.URL() + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil {
		t.Fatalf("discovery: %v", err)
	}
	return d
}

// callback and logout are where a provider finds the server.
func callback(s *rig.Server) string { return s.URL + oauth.CallbackPath }
func logout(s *rig.Server) string   { return s.URL + oauth.SignOutPath }

// address is a free one: where it listens, and its origin, which browsers take for another
// site than the server's.
func address(t testing.TB) (listen, port, origin string) {
	t.Helper()
	listen, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err = net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	return listen, port, "http://localhost:" + port
}
