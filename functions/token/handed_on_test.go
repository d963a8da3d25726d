package token

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/upstream"
	openidissuer "github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// openHandedOn is openOIDC where anyone may enter, and the servers at those paths are handed
// people's tokens, which live ten minutes.
func openHandedOn(t *testing.T, paths ...string) *openid {
	t.Helper()
	o := openOIDC(t, "anyone", func(c *openidissuer.Config) { c.TokensUsed = true })
	o.HandedOn = paths
	var err error
	o.Handler, err = New(o.Config)
	must(t, err)
	return o
}

// good reports for how long ann's kept token is good.
func (o *openid) good(t *testing.T) time.Duration {
	t.Helper()
	account, err := o.Store.Account(t.Context(), oidc.Subject(o.fake.URL, "sub|ann"))
	must(t, err)
	token, err := upstream.UnmarshalToken(account.UpstreamToken)
	must(t, err)
	return token.Expiry.Sub(o.Clock.Now())
}

// A client whose server is handed the person's token goes on with one that is good, whoever may
// enter; it is exchanged when it is about to end, not before, and for no other server.
func TestATokenThatIsHandedOnIsGoodWhenAClientGoesOn(t *testing.T) {
	t.Parallel()
	o := openHandedOn(t, "/mcp")
	o.Clock.Advance(8 * time.Minute)
	o.next(t, "it is good for two minutes", 200, "")
	if n := o.exchanges(); n != 1 {
		t.Errorf("got %d exchanges, want the one of the sign-in", n)
	}
	for range 3 {
		o.Clock.Advance(9*time.Minute + 30*time.Second)
		o.next(t, "it is about to end, or has ended", 200, "")
		o.next(t, "again", 200, "")
		if left := o.good(t); left < 9*time.Minute {
			t.Errorf("got a token that is good for %s, want a new one", left)
		}
	}
	if n := o.exchanges(); n != 4 {
		t.Errorf("got %d exchanges, want one more for each that ended", n)
	}
	other := openHandedOn(t, "/mcp/wiki")
	other.Clock.Advance(20 * time.Minute)
	other.next(t, "another server is handed it", 200, "")
	if n := other.exchanges(); n != 1 {
		t.Errorf("got %d exchanges for a server that is handed nothing", n)
	}
}

// A provider that is down ends nothing, and is a fault once the token has ended; what it has
// ended, or never renews, takes a new sign-in, after which the same connection goes on.
func TestATokenThatCannotBeRenewed(t *testing.T) {
	t.Parallel()
	o := openHandedOn(t, "/mcp")
	o.fake.Outage("/token", oauthtest.ServerError())
	o.Clock.Advance(9*time.Minute + 30*time.Second)
	o.next(t, "down, and the token is good", 200, "")
	o.Clock.Advance(time.Minute)
	for range 3 {
		o.next(t, "down", 503, "temporarily_unavailable")
	}
	o.fake.Repair()
	o.next(t, "it is back", 200, "")

	o.fake.EndSessions("ann")
	o.Clock.Advance(11 * time.Minute)
	o.next(t, "the provider has ended it", 400, "invalid_grant")
	o.signIn(t)
	o.next(t, "after a sign-in", 200, "")

	o.fake.Alter("token", func(b map[string]any) { delete(b, "refresh_token") })
	o.signIn(t)
	o.Clock.Advance(11 * time.Minute)
	o.next(t, "there is nothing to renew it by", 400, "invalid_grant")
	o.signIn(t)
	o.next(t, "after a sign-in", 200, "")
}
