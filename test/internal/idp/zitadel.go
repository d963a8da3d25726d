package idp

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// zitadelSecret is every client's.
const zitadelSecret = "a-secret:whose%bytes+are&encoded"

type zitadel struct{ knobbed }

// StartZitadel starts the provider of zitadel/oidc: its clients have a secret, which they send
// by client_secret_basic, its ID tokens have all claims, and its refresh tokens work once.
func StartZitadel(t testing.TB) Provider {
	t.Helper()
	listen, _, origin := address(t)
	z := &zitadel{knobbed{t: t, url: origin, command: rig.Command{
		Name: "zitadel", Path: rig.Program(t, "test/zitadel"),
		Args: []string{"-listen", listen, "-issuer", origin, "-state", filepath.Join(t.TempDir(), "state.json")},
	}}}
	z.Start(t)
	return z
}

func (z *zitadel) Settings(t testing.TB, client string) map[string]string {
	t.Helper()
	return map[string]string{
		"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": z.url, "OIDC_CLIENT_ID": client,
		"OIDC_CLIENT_SECRET_FILE": keep(t, "client-secret", []byte(zitadelSecret+"\n")),
	}
}

func (z *zitadel) Register(t testing.TB, client string, s *rig.Server) {
	t.Helper()
	z.do(t, "client", client, url.Values{"secret": {zitadelSecret}, "callback": {callback(s)}})
}

func (z *zitadel) Logout(t testing.TB, _ *oauthtest.Browser, _ string) {
	t.Helper()
	t.Fatal("zitadel/oidc has no back-channel logout")
}
