package token

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
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
		f.Provider = m.provider(t, m.github.ClientID)
	})
	m.token = m.signIn(t, rule)
	return m
}

// provider is our side of the fake, as the app of that id.
func (m *membership) provider(t *testing.T, clientID string) upstream.Provider {
	t.Helper()
	p, err := upstream.NewGitHub(upstream.GitHubConfig{
		ClientID: clientID, URL: m.github.URL, APIURL: m.github.URL, Scopes: []string{"read:org", "user:email"},
		ClientSecret: func(context.Context) (credential.Secret, error) {
			return credential.Secret{}, errors.New("not here")
		},
	})
	must(t, err)
	return p
}

// signIn is a login of octocat, let in by rule. It returns the refresh token.
func (m *membership) signIn(t *testing.T, rule string) string {
	t.Helper()
	scopes := []string{"read:org", "user:email"}
	kept := upstream.Token{AccessToken: credential.Wrap(m.github.IssueToken("octocat", strings.Join(scopes, " "))),
		Scopes: scopes, ClientID: m.github.ClientID}
	sealed, err := kept.Marshal()
	must(t, err)
	code := m.issue(t, publicID, "", func(l *store.Login) {
		l.UpstreamToken = sealed
		l.Record.Person.AllowedBy, l.Record.Person.Email = rule, "octocat@example.com"
	})
	return want(t, "connect", m.redeem(t, publicID, code), 200, "").RefreshToken
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
	if calls := m.github.Calls(); !slices.Equal(calls, []string{"GET /user", "GET " + org}) {
		t.Errorf("got calls %v, want the account and its membership, once", calls)
	}
	m.github.RemoveFromOrg("acme", "octocat")
	m.Clock.Advance(time.Hour - time.Second)
	m.next(t, "removed, within MEMBERSHIP_TTL", 200, "")
	m.Clock.Advance(time.Second)
	m.next(t, "removed", 400, "invalid_grant")
	m.github.AddToOrg("acme", "octocat", "active")
	m.next(t, "back, but the grant has ended", 400, "invalid_grant")
}

// An invitation is not a membership (UP-18).
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

// Lost evidence decides nothing: until the last good answer is too old the refresh is a fault with an
// event of its own, and everything goes on when the evidence is back (B9, UP-18, K5).
func TestLostEvidenceIsAFaultUntilItsAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what         string
		lose, repair func(*testing.T, *membership)
	}{
		{"401",
			func(_ *testing.T, m *membership) { m.github.Outage("/user", oauthtest.Fault{Status: 401}) }, repair},
		{"401 for the organisation",
			func(_ *testing.T, m *membership) { m.github.Outage(org, oauthtest.Fault{Status: 401}) }, repair},
		{"token revoked, until another sign-in",
			func(_ *testing.T, m *membership) { m.github.RevokeTokens("octocat") },
			func(t *testing.T, m *membership) { m.signIn(t, "org:acme") }},
		{"a mistyped GITHUB_CLIENT_ID",
			func(t *testing.T, m *membership) { m.restart(t, m.provider(t, "mistyped")) },
			func(t *testing.T, m *membership) { m.restart(t, m.provider(t, m.github.ClientID)) }},
		{"an odd answer",
			func(_ *testing.T, m *membership) { m.github.Outage(org, odd("{}")) }, repair},
		{"null",
			func(_ *testing.T, m *membership) { m.github.Outage("/user", odd("null")) }, repair},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			m := openAcme(t, "org:acme", "org:acme")
			c.lose(t, m)
			m.next(t, "while the answer is fresh", 200, "")
			m.Clock.Advance(time.Hour)
			for range 2 {
				m.next(t, "lost", 503, "temporarily_unavailable")
			}
			m.Clock.Advance(167*time.Hour - time.Second)
			m.next(t, "just before EVIDENCE_MAX_AGE", 503, "temporarily_unavailable")
			m.wantEvents(t, "evidence.lost")
			m.Clock.Advance(time.Second)
			m.next(t, "at EVIDENCE_MAX_AGE", 400, "invalid_grant")
			m.wantEvents(t, "evidence.lost", "evidence.expired")
			c.repair(t, m)
			m.next(t, "the evidence is back", 200, "")
		})
	}
}

func odd(body string) oauthtest.Fault { return oauthtest.Fault{Status: 200, Body: body} }

func repair(_ *testing.T, m *membership) { m.github.Repair() }

// restart is a deployment with another provider.
func (m *membership) restart(t *testing.T, p upstream.Provider) {
	t.Helper()
	m.Provider = p
	h, err := New(m.Config)
	must(t, err)
	m.Handler = h
}

// wantEvents checks which of the events about entry are on record; the end of a grant is none.
func (m *membership) wantEvents(t *testing.T, events ...string) {
	t.Helper()
	log := m.Lines.String()
	all := []string{"evidence.lost", "evidence.expired", "membership.lost", "grant.revoked", "refresh.reused"}
	for _, e := range all {
		if got, want := strings.Contains(log, `"event":"`+e+`"`), slices.Contains(events, e); got != want {
			t.Errorf("event %s: got %t, want %t", e, got, want)
		}
	}
}

// A provider that is down gives no answer at all, for however long: nothing ends, and nobody is told to sign
// in where nobody could (UP-17, TE-07).
func TestOutageHasNoAge(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "org:acme")
	m.github.Outage("", oauthtest.ServerError())
	m.Clock.Advance(1000 * time.Hour)
	m.next(t, "down", 503, "temporarily_unavailable")
	m.wantEvents(t)
	m.github.Repair()
	m.next(t, "repaired", 200, "")
}

// The age counts from the last good answer about the person, by whichever of their connections.
func TestEvidenceIsThePersonsNotTheGrants(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "user:octocat", "user:octocat")
	m.Clock.Advance(160 * time.Hour)
	m.signIn(t, "user:octocat")
	m.github.RevokeTokens("octocat")
	m.Clock.Advance(160 * time.Hour)
	m.next(t, "320 hours after the first, 160 after the second sign-in", 503, "temporarily_unavailable")
}

// Every kind of rule is asked again when its answer is old; where anyone may enter there is nothing to ask
// (UP-10, RT-10).
func TestEveryKindOfRuleIsAskedAgain(t *testing.T) {
	t.Parallel()
	renamed := func(g *oauthtest.GitHub) { g.Rename(583231, "monalisa") }
	suspended := func(g *oauthtest.GitHub) { g.Suspend("octocat") }
	for _, c := range []struct {
		what, rule string
		change     func(*oauthtest.GitHub)
		status     int
		code       string
	}{
		{"renamed", "user:octocat", renamed, 400, "invalid_grant"},
		{"renamed", "user-id:583231", renamed, 200, ""},
		{"renamed", "anyone", renamed, 200, ""},
		{"suspended", "user:octocat", suspended, 400, "invalid_grant"},
		{"suspended", "user-id:583231", suspended, 400, "invalid_grant"},
		{"suspended", "email-domain:example.com", suspended, 400, "invalid_grant"},
		{"suspended", "anyone", suspended, 200, ""},
		{"deleted", "user-id:583231", func(g *oauthtest.GitHub) { g.Delete("octocat") },
			503, "temporarily_unavailable"},
		{"another address", "email-domain:example.com", func(g *oauthtest.GitHub) {
			g.AddUser(oauthtest.User{ID: 583231, Login: "octocat",
				Emails: []oauthtest.Email{{Email: "o@other.example", Primary: true, Verified: true}}})
		}, 400, "invalid_grant"},
	} {
		t.Run(c.what+" "+c.rule, func(t *testing.T) {
			t.Parallel()
			m := openAcme(t, c.rule, c.rule)
			c.change(m.github)
			m.next(t, "a fresh answer", 200, "")
			m.Clock.Advance(time.Hour)
			m.next(t, "an old answer", c.status, c.code)
			m.next(t, "again", c.status, c.code)
		})
	}
}

// A person who was renamed is called by the name of today from then on, in the grant and on the account,
// which keeps its token (K8).
func TestRenamedPersonIsCalledByTheNameOfToday(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "user-id:583231,email-domain:x.example", "user-id:583231")
	m.github.AddUser(oauthtest.User{ID: 583231, Login: "monalisa", Name: "Mona",
		Emails: []oauthtest.Email{{Email: "mona@example.com", Primary: true, Verified: true}}})
	m.Clock.Advance(time.Hour)
	m.next(t, "renamed", 200, "")
	id, _ := store.RefreshGrantID(credential.Wrap(m.token))
	g, err := m.Store.Grant(t.Context(), id)
	must(t, err)
	account, err := m.Store.Account(t.Context(), g.Person.Subject)
	must(t, err)
	want := store.Person{Subject: "github:583231", Login: "monalisa", Name: "Mona", Email: "mona@example.com",
		AllowedBy: "user-id:583231", Checked: m.Clock.Now().UTC()}
	if !reflect.DeepEqual(g.Person, want) || !reflect.DeepEqual(account.Person, want) ||
		len(account.UpstreamToken) == 0 {
		t.Errorf("got the grant's %+v and the account's %+v, want %+v and a token", g.Person, account.Person, want)
	}
}

// A rule of ALLOW that is new may need a permission that the person never gave. Waiting does not mend it, so
// they sign in again at once, and nothing is revoked (K5).
func TestMissingScopeAsksForASignIn(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "org:acme", "user:octocat")
	issued := credential.Wrap(m.github.IssueToken("octocat", ""))
	kept := upstream.Token{AccessToken: issued, ClientID: m.github.ClientID}
	sealed, err := kept.Marshal()
	must(t, err)
	must(t, m.Store.IssueCode(t.Context(), m.loginWith(sealed), fixture.AnyClient))
	m.next(t, "no scope", 400, "invalid_grant")
	m.wantEvents(t, "evidence.expired")
	m.signIn(t, "org:acme")
	m.next(t, "after a sign-in", 200, "")
}

func (m *membership) loginWith(token []byte) store.Login {
	l := m.Login(publicID)
	l.UpstreamToken = token
	return l
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
	ring := keyfile.New("no/such/file", signing.ParseRing, &keyfile.Options{Log: f.Log})
	broken.Config.Issuer = &accesstoken.Issuer{Ring: ring, TTL: time.Hour, Now: f.Clock.Now}
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
