package token

import (
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

// An order is a request with more than one thing wrong, and the one that is answered.
type order struct {
	what   string
	by     []string // how the client proves itself
	form   string   // names and values
	status int
	code   string
}

// A request with two things wrong is refused for the one that stands first in the pipeline: a client learns nothing
// before it has proved itself, and one whose code or token is dead signs in again, whatever else it sent.
func TestTheFirstThingWrongIsAnswered(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	live := f.connect(t, basicID).RefreshToken
	known := []string{"Authorization", basic(basicID, secretOf(basicID))}
	guess := []string{"Authorization", basic(basicID, "x")}
	codeOnly, foreign := []string{"client_id", codeOnlyID}, "https://other.example/mcp"
	rows := func(path string, rows ...order) {
		t.Helper()
		for _, r := range rows {
			want(t, r.what, f.post(t, path, append(strings.Fields(r.form), r.by...)...), r.status, r.code)
		}
	}
	rows(oauth.TokenPath,
		order{"a repeated parameter, before the client", guess, "scope mcp scope mcp", 400, "invalid_request"},
		order{"the client, before its grant type", guess, "grant_type password", 401, "invalid_client"},
		order{"the client, before the scope", guess,
			`grant_type refresh_token refresh_token rt_x scope "`, 401, "invalid_client"},
		order{"a dead token, before who may refresh", codeOnly,
			"grant_type refresh_token refresh_token " + live, 400, "invalid_grant"},
		order{"a missing token, before the scope", known, `grant_type refresh_token scope "`, 400, "invalid_request"},
		order{"a malformed scope, before the token", known,
			`grant_type refresh_token refresh_token rt_x scope "`, 400, "invalid_scope"},
		order{"a dead token, before the resource", known,
			"grant_type refresh_token refresh_token rt_x resource " + foreign, 400, "invalid_grant"},
		order{"the resource of a live token", known,
			"grant_type refresh_token resource " + foreign + " refresh_token " + live, 400, "invalid_target"},
		order{"a dead code, before the resource", known,
			"grant_type authorization_code code ac_x code_verifier " + verifier + " resource " + foreign, 400,
			"invalid_grant"},
	)
	rows(oauth.RevokePath,
		order{"no client, before no token", nil, "", 401, "invalid_client"},
		order{"no token, before the secret", guess, "", 400, "invalid_request"},
		order{"resource twice, where it means nothing", known, "resource x resource x token " + live, 400,
			"invalid_request"},
	)
	rows(oauth.IntrospectPath,
		order{"the secret, before no token", guess, "", 401, "invalid_client"},
		order{"a public client, before no token", codeOnly, "", 401, "invalid_client"},
	)
	want(t, "afterwards", f.refresh(t, basicID, live), 200, "")
}

// A scope means nothing in a code's redemption, which gives what the person approved.
func TestScopeOfARedemptionIsIgnored(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	want(t, "malformed scope", f.redeem(t, publicID, f.issue(t, publicID, "", nil), "scope", `"`), 200, "")
}

// That the keys cannot be read is said after what is wrong with the request itself, and before the
// store is asked about the code or token (TE-07).
func TestKeysAreAskedBetweenRequestAndStore(t *testing.T) {
	t.Parallel()
	f := open(t, func(f *endpoint) {
		missing := keyfile.New("no/such/file", signing.ParseRing, &keyfile.Options{Log: f.Log})
		f.Issuer = &accesstoken.Issuer{Ring: missing, TTL: time.Hour, Now: f.Clock.Now}
	})
	want(t, "no code", f.redeem(t, publicID, ""), 400, "invalid_request")
	want(t, "no refresh token", f.refresh(t, publicID, ""), 400, "invalid_request")
	want(t, "a malformed scope", f.refresh(t, publicID, "rt_x", "scope", `"`), 400, "invalid_scope")
	code := f.redeem(t, publicID, "ac_x", "resource", "https://other.example/mcp")
	want(t, "a dead code and a foreign resource", code, 503, "temporarily_unavailable")
	want(t, "a dead refresh token", f.refresh(t, publicID, "rt_x"), 503, "temporarily_unavailable")
}
