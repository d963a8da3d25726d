package token

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A membership is the endpoint for members of an organisation at a fake GitHub, and one
// of them, connected.
type membership struct {
	*endpoint
	github *oauthtest.GitHub
	token  string // the member's refresh token
}

const org = "/user/memberships/orgs/acme"

// openAcme connects octocat, a member of acme, who was let in by rule.
func openAcme(t *testing.T, allow, rule string) *membership {
	t.Helper()
	m := &membership{github: oauthtest.StartGitHub(t, nil)}
	m.github.AddToOrg("acme", "octocat", "active")
	m.endpoint = open(t, func(f *endpoint) {
		var err error
		f.Allow, err = upstream.ParseAllow(allow)
		must(t, err)
		f.Provider, err = upstream.NewGitHub(upstream.GitHubConfig{
			ClientID: m.github.ClientID, URL: m.github.URL, APIURL: m.github.URL, Scopes: []string{"read:org"},
			ClientSecret: func(context.Context) (credential.Secret, error) {
				return credential.Secret{}, errors.New("not here")
			},
		})
		must(t, err)
	})
	kept := upstream.Token{AccessToken: credential.Wrap(m.github.IssueToken("octocat", "read:org")),
		Scopes: []string{"read:org"}, ClientID: m.github.ClientID}
	sealed, err := kept.Marshal()
	must(t, err)
	code := m.issue(t, publicID, "", func(l *store.Login) {
		l.UpstreamToken = sealed
		l.Record.Person.AllowedBy = rule
	})
	m.token = want(t, "connect", m.redeem(t, publicID, code), 200, "").RefreshToken
	return m
}

func (m *membership) next(t *testing.T, what string, status int, code string) {
	t.Helper()
	r := want(t, what, m.refresh(t, publicID, m.token), status, code)
	if r.RefreshToken != "" {
		m.token = r.RefreshToken
	}
}

// Membership is asked again when the last answer is older than MEMBERSHIP_TTL, not before, and who is
// out loses the grant (UP-10, UP-18, K9, RT-10, AV-07).
func TestRemovedMemberLosesTheGrant(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "org:acme")
	m.Clock.Advance(time.Hour - time.Second)
	m.next(t, "a fresh answer", 200, "")
	if calls := m.github.Calls(); len(calls) != 0 {
		t.Errorf("got calls %v, want none", calls)
	}
	m.Clock.Advance(time.Second)
	m.next(t, "an old answer", 200, "")
	m.next(t, "again", 200, "")
	if calls := m.github.Calls(); len(calls) != 1 {
		t.Errorf("got calls %v, want one", calls)
	}
	m.github.RemoveFromOrg("acme", "octocat")
	m.Clock.Advance(time.Hour - time.Second)
	m.next(t, "removed, within MEMBERSHIP_TTL", 200, "")
	m.Clock.Advance(time.Second)
	m.next(t, "removed", 400, "invalid_grant")
	m.github.AddToOrg("acme", "octocat", "active")
	m.next(t, "back, but the grant has ended", 400, "invalid_grant")
}

// An invitation is no membership (UP-18).
func TestPendingMemberLosesTheGrant(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "org:acme")
	m.github.AddToOrg("acme", "octocat", "pending")
	m.Clock.Advance(time.Hour)
	m.next(t, "pending", 400, "invalid_grant")
}

// GitHub failing decides nothing: 503, and the same token works afterwards (UP-17, UP-18, B9, TE-07).
func TestGitHubOutageLosesNothing(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]oauthtest.Fault{
		"500": oauthtest.ServerError(), "403": {Status: 403, Body: "{}"}, "429": {Status: 429},
		"HTML":     {Status: 200, ContentType: "text/html", Body: "<html>"},
		"redirect": {Redirect: "http://127.0.0.1:1/"}, "huge": {Huge: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			m := openAcme(t, "org:acme", "org:acme")
			m.github.Outage(org, fault)
			m.Clock.Advance(time.Hour)
			for range 3 {
				w := m.refresh(t, publicID, m.token)
				want(t, "outage", w, 503, "temporarily_unavailable")
				if w.Header().Get("Retry-After") == "" {
					t.Error("got no Retry-After")
				}
			}
			m.Clock.Advance(time.Hour) // longer than any grace
			m.github.Repair()
			m.next(t, "repaired", 200, "")
		})
	}
}

// A token that the person revoked at GitHub, or that is no longer there, ends the grant: only a
// sign-in helps (K5).
func TestDeadUpstreamTokenEndsTheGrant(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "org:acme")
	m.github.RevokeTokens("octocat")
	m.next(t, "while the answer is fresh", 200, "")
	m.Clock.Advance(time.Hour)
	m.next(t, "dead token", 400, "invalid_grant")
	m.next(t, "ended", 400, "invalid_grant")
}

// ALLOW is read as it is now (UP-10). A rule that is gone lets nobody stay, unless another still does.
func TestChangedAllowDecidesAtRefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allow, rule string
		status      int
		code        string
	}{
		{"user:octocat", "user:octocat", 200, ""},
		{"user:mona", "user:octocat", 400, "invalid_grant"},
		{"user:mona,org:acme", "user:octocat", 200, ""},
		{"user:octocat", "org:acme", 200, ""},
		{"anyone", "org:acme", 200, ""},
		{"org:elsewhere", "org:acme", 400, "invalid_grant"},
	} {
		t.Run(c.rule+" to "+c.allow, func(t *testing.T) {
			t.Parallel()
			m := openAcme(t, c.allow, c.rule)
			m.next(t, "first", c.status, c.code)
			m.next(t, "second", c.status, c.code)
		})
	}
}

// Parallel refreshes whose membership is due all end well (B1).
func TestParallelRefreshesWithADueAnswer(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "org:acme")
	m.Clock.Advance(time.Hour)
	done := make(chan reply, 8)
	for range 8 {
		go func() { done <- decode(t, m.refresh(t, publicID, m.token)) }()
	}
	for range 8 {
		if r := <-done; r.Error != "" || r.RefreshToken == "" {
			t.Errorf("got %q, want a whole answer", r.Error)
		}
	}
}

// Signing keys that cannot be read are known before anything is consumed (design decision 10, TE-07).
func TestUnreadableSigningKeysConsumeNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a, code := f.connect(t, publicID), f.issue(t, publicID, "", nil)
	broken := &endpoint{Config: f.Config}
	broken.Config.Issuer = &accesstoken.Issuer{Ring: keyfile.New("no/such/file", signing.ParseRing, &keyfile.Options{Log: f.Log}), TTL: time.Hour, Now: f.Clock.Now}
	h, err := New(broken.Config)
	must(t, err)
	broken.Handler = h
	for range 2 {
		want(t, "code", broken.redeem(t, publicID, code), 503, "temporarily_unavailable")
		want(t, "refresh", broken.refresh(t, publicID, a.RefreshToken), 503, "temporarily_unavailable")
	}
	want(t, "code afterwards", f.redeem(t, publicID, code), 200, "")
	f.Clock.Advance(30 * time.Minute)
	want(t, "refresh afterwards", f.refresh(t, publicID, a.RefreshToken), 200, "")
}
