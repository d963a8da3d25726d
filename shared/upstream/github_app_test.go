package upstream_test

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// openApp is our side of a GitHub App.
func openApp(t *testing.T, now func() time.Time, scopes ...string) (*upstream.GitHub, *oauthtest.GitHub) {
	t.Helper()
	fake := oauthtest.StartGitHub(t, &oauthtest.GitHubOptions{App: true, ClientID: "Iv23liFakeFakeFake01", Now: now})
	g, err := upstream.NewGitHub(upstream.GitHubConfig{
		ClientID: fake.ClientID, URL: fake.URL, APIURL: fake.URL, Scopes: scopes, Now: now,
		ClientSecret: secretOf(fake.ClientSecret),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, fake
}

// A GitHub App signs people in as an OAuth app does: its tokens have no scopes and answer what the App may ask.
// They end after eight hours and are exchanged, each once (UP-24).
func TestGitHubApp(t *testing.T) {
	t.Parallel()
	start := time.Now()
	now := start
	clock := func() time.Time { return now }
	g, fake := openApp(t, clock, "read:org", "user:email")
	fake.AddToOrg("acme", "octocat", "active")
	id, token := signIn(t, g, "octocat")
	if id.Subject != "github:583231" || id.Email != "octocat@example.com" || token.SignIn == "" ||
		token.RefreshToken.IsZero() || token.Expiry.Sub(start.UTC()).Round(time.Minute) != 8*time.Hour {
		t.Errorf("got %+v and %+v", id, token)
	}
	rule := upstream.Rule{Kind: upstream.Org, Value: "acme"}
	if yes, err := g.Member(t.Context(), token, id, rule); !yes || err != nil {
		t.Errorf("got member %t, %v", yes, err)
	}
	if !g.Renews() || g.Due(token, now.Add(7*time.Hour)) || !g.Due(token, now.Add(9*time.Hour)) {
		t.Error("want it due when it ends before it is needed again")
	}
	now = now.Add(8 * time.Hour)
	if _, err := g.Member(t.Context(), token, id, rule); err == nil {
		t.Error("got an answer by a token that has ended")
	}
	next, err := g.Renew(t.Context(), token)
	if err != nil || next.SignIn != token.SignIn || next.RefreshToken.Reveal() == token.RefreshToken.Reveal() {
		t.Fatalf("got %+v, %v; want another token of the same sign-in", next, err)
	}
	if yes, err := g.Member(t.Context(), next, id, rule); !yes || err != nil {
		t.Errorf("renewed: got member %t, %v", yes, err)
	}
	_, err = g.Renew(t.Context(), token)
	wantKind(t, err, "dead")
	fake.Outage("/login/oauth/access_token", oauthtest.ServerError())
	_, err = g.Renew(t.Context(), next)
	wantKind(t, err, "outage")
}

// An OAuth app's tokens do not end, and nothing is exchanged.
func TestOAuthAppsTokensAreNotRenewed(t *testing.T) {
	t.Parallel()
	g := provider(t, oauthtest.StartGitHub(t, nil))
	_, token := signIn(t, g, "octocat")
	if token.SignIn != "" || !token.RefreshToken.IsZero() {
		t.Errorf("got %+v", token)
	}
	if r := upstream.Renewer(g); r.Renews() || r.Due(token, time.Now().Add(1000*time.Hour)) {
		t.Error("want nothing due")
	}
}
