package upstream_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func rule(t *testing.T, s string) upstream.Rule {
	t.Helper()
	r, err := upstream.ParseRule(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tokenFor(fake *oauthtest.GitHub, login, scopes string) upstream.Token {
	return upstream.Token{
		AccessToken: credential.Wrap(fake.IssueToken(login, scopes)),
		Scopes:      strings.Fields(scopes),
		ClientID:    fake.ClientID,
	}
}

// Active members alone (K9, UP-18).
func TestOnlyActiveMembersAreMembers(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "octocat", "active")
	fake.AddToOrg("globex", "octocat", "pending")
	fake.AddToTeam("acme", "ops", "octocat", "active")
	fake.AddToTeam("acme", "board", "octocat", "pending")
	p := provider(t, fake, "read:org")
	id, token := signIn(t, p, "octocat")
	for text, want := range map[string]bool{
		"org:acme": true, "org:ACME": true, "org:globex": false, "org:other": false,
		"team:acme/ops": true, "team:Acme/Ops": true, "team:acme/board": false, "team:acme/none": false,
		"team:globex/ops": false, "team:other/ops": false,
	} {
		got, err := p.Member(t.Context(), token, id, rule(t, text))
		if err != nil || got != want {
			t.Errorf("%s: got %v (%v), want %v", text, got, err, want)
		}
	}
	fake.RemoveFromOrg("acme", "octocat")
	for _, text := range []string{"org:acme", "team:acme/ops"} {
		if got, err := p.Member(t.Context(), token, id, rule(t, text)); err != nil || got {
			t.Errorf("%s after removal: got %v (%v), want false", text, got, err)
		}
	}
}

// The kept login went to somebody who is in the team (K8).
func TestTeamIsAskedUnderTodaysLoginOfTheTokensOwner(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "octocat", "active")
	p := provider(t, fake, "read:org")
	id, token := signIn(t, p, "octocat")
	fake.Rename(583231, "monalisa")
	fake.AddToTeam("acme", "ops", "octocat", "active") // a new account with the old login
	if got, err := p.Member(t.Context(), token, id, rule(t, "team:acme/ops")); err != nil || got {
		t.Errorf("old owner of the login: got %v (%v), want false", got, err)
	}
	fake.AddToTeam("acme", "ops", "monalisa", "active")
	if got, err := p.Member(t.Context(), token, id, rule(t, "team:acme/ops")); err != nil || !got {
		t.Errorf("renamed member: got %v (%v), want true", got, err)
	}
}

func TestAnotherPersonsTokenIsNoMembership(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "hubot", "active")
	p := provider(t, fake, "read:org")
	id, _ := signIn(t, p, "octocat")
	got, err := p.Member(t.Context(), tokenFor(fake, "hubot", "read:org"), id, rule(t, "org:acme"))
	if got || err == nil {
		t.Errorf("got %v (%v), want an error", got, err)
	}
}

// A token of another app or with fewer scopes asks for a new sign-in, without a call (K5).
func TestTokenThatCannotAnswerIsDead(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "octocat", "active")
	p := provider(t, fake, "read:org")
	id := upstream.Identity{Subject: "github:583231", Login: "octocat"}
	foreign := tokenFor(fake, "octocat", "read:org")
	foreign.ClientID = "another-app"
	expired := tokenFor(fake, "octocat", "read:org")
	expired.Expiry = expired.Expiry.AddDate(2000, 0, 0)
	for name, token := range map[string]upstream.Token{
		"none": {}, "foreign": foreign, "expired": expired, "without scope": tokenFor(fake, "octocat", ""),
	} {
		_, err := p.Member(t.Context(), token, id, rule(t, "org:acme"))
		if kind(err) != "dead" {
			t.Errorf("%s: error got %v, want ErrTokenDead", name, err)
		}
	}
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("calls got %v, want none", calls)
	}
	token := tokenFor(fake, "octocat", "read:org")
	fake.RevokeTokens("octocat")
	_, err := p.Member(t.Context(), token, id, rule(t, "org:acme"))
	wantKind(t, err, "dead")
}

// An answer with status 200 that GitHub does not document, or a 404 in others' words, is neither yes nor
// no, whichever rule it is about (UP-18).
func TestOddAnswerIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	no := []string{`{}`, `null`, `[]`, `""`, `{"message":"Not Found"}`, `<html>`, ``}
	user := `"user":{"id":583231,"login":"octocat"}`
	entry := `{"email":"a@x.example","primary":false,"verified":true},`
	for _, c := range []struct {
		path   string
		rules  []string // that need the call
		bodies []string
	}{
		{"/user", []string{"user:octocat", "user-id:583231", "email-domain:example.com", "org:acme", "team:acme/ops"},
			append(no, `{"login":"octocat"}`, `{"id":583231}`, `{"id":7,"login":"octocat"}`,
				`{"id":583231,"login":"octocat","suspended_at":true}`)},
		{"/user/memberships/orgs/acme", []string{"org:acme", "team:acme/ops"},
			append(no, `{`+user+`}`, `{"state":"",`+user+`}`, `{"state":null,`+user+`}`, `{"state":"Active",`+user+`}`,
				`{"state":"active"}`, `{"state":"active","user":{"login":"octocat"}}`,
				`{"state":"active","user":{"id":7,"login":"x"}}`, `{"state":"active","user":{"id":"583231"}}`,
				`[{"state":"active","user":{"id":583231}}]`)},
		{"/orgs/acme/teams/ops/memberships/octocat", []string{"team:acme/ops"},
			append(no, `{"role":"member"}`, `{"state":""}`, `{"state":true}`)},
		{"/user/emails", []string{"email-domain:example.com"},
			[]string{`{}`, `null`, `""`, `{"message":"Not Found"}`, `<html>`, ``, `[null]`, `[{}]`, `[1]`,
				`[{"email":"a@x.example","primary":true}]`, `[{"email":"a@x.example","verified":true}]`,
				`[{"primary":true,"verified":true}]`, `[{"email":"a@x.example","primary":"yes","verified":true}]`,
				"[" + strings.TrimSuffix(strings.Repeat(entry, 100), ",") + "]"}},
	} {
		fake := oauthtest.StartGitHub(t, nil)
		fake.AddToTeam("acme", "ops", "octocat", "active")
		p := provider(t, fake, "read:org", "user:email")
		known, token := signIn(t, p, "octocat")
		recheck := func(rule, want, what string) {
			t.Helper()
			if _, got, err := allow(t, rule).Recheck(t.Context(), p, token, known); kind(err) != want {
				t.Errorf("%s answers %.70s: %s: got %q, %s (%v), want %s",
					c.path, what, rule, got, kind(err), err, want)
			}
		}
		for _, rule := range c.rules {
			for _, body := range c.bodies {
				fake.Outage(c.path, oauthtest.Fault{Status: 200, Body: body})
				recheck(rule, "odd", body)
			}
			for _, body := range []string{"", "<html>", "{}", `{"message":"no route"}`} {
				fake.Outage(c.path, oauthtest.Fault{Status: 404, Body: body})
				recheck(rule, "outage", "404 "+body)
			}
			fake.Repair()
			recheck(rule, "none", "as GitHub does")
		}
	}
}

// What is not an answer is an outage (UP-18, UP-17).
func TestMembershipOutageIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	bodies := map[string]oauthtest.Fault{
		"500": oauthtest.ServerError(),
		"403": {Status: http.StatusForbidden,
			Body: `{"message":"organization has enabled OAuth App access restrictions"}`},
		"429": {Status: http.StatusTooManyRequests},
		"302": {Redirect: "http://127.0.0.1:1/"},
	}
	for name, fault := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := oauthtest.StartGitHub(t, nil)
			fake.AddToTeam("acme", "ops", "octocat", "active")
			p := provider(t, fake, "read:org")
			id, token := signIn(t, p, "octocat")
			fake.Outage("/user/memberships/orgs/acme", fault)
			for _, text := range []string{"org:acme", "team:acme/ops"} {
				got, err := p.Member(t.Context(), token, id, rule(t, text))
				if got {
					t.Errorf("%s: got a member", text)
				}
				wantKind(t, err, "outage")
			}
		})
	}
}

func TestRevokedTokenIsGoneAndRevokingAgainIsFine(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	_, token := signIn(t, p, "octocat")
	for range 2 {
		if err := p.Revoke(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if n := fake.LiveTokens("octocat"); n != 0 {
		t.Errorf("live tokens got %d, want 0", n)
	}
	calls := fake.Requests()
	last := calls[len(calls)-1]
	if last.Authorization != "Basic" || last.Method != "DELETE" {
		t.Errorf("last request got %+v, want a DELETE with Basic", last)
	}
	if err := p.Revoke(t.Context(), upstream.Token{}); err != nil {
		t.Errorf("no token: error got %v, want none", err)
	}
}

func TestFailedRevocationIsAnError(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	_, token := signIn(t, p, "octocat")
	path := "/applications/" + fake.ClientID + "/token"
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{401, `{"message":"Bad credentials"}`, "outage"},
		{403, "", "outage"}, {500, "", "outage"}, {200, "{}", "outage"},
		{404, `{"message":"Not Found"}`, "none"}, {422, `{"message":"Validation Failed"}`, "none"},
		{404, "<html>", "outage"}, {404, "{}", "outage"}, {422, "", "outage"},
	} {
		fake.Outage(path, oauthtest.Fault{Status: c.status, Body: c.body})
		if err := p.Revoke(t.Context(), token); kind(err) != c.want {
			t.Errorf("%d %s: error got %v, want %s", c.status, c.body, err, c.want)
		}
	}
	fake.Repair()
	fake.ForgetRequests()
	token.ClientID = "another-app"
	if err := p.Revoke(t.Context(), token); !errors.Is(err, upstream.ErrTokenDead) || len(fake.Requests()) != 0 {
		t.Errorf("token of another app: error got %v and %d calls, want ErrTokenDead and none",
			err, len(fake.Requests()))
	}
}

// The first rule that admits; those that need no call come first.
func TestRulesThatNeedNoCallAreAskedFirst(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "octocat", "active")
	p := provider(t, fake, "read:org")
	id, token := signIn(t, p, "octocat")
	tests := []struct {
		allow, want string
		calls       []string
	}{
		{"org:acme, user:OctoCat", "user:octocat", nil},
		{"org:acme, user-id:583231", "user-id:583231", nil},
		{"user:hubot, org:globex, org:acme", "org:acme",
			[]string{"GET /user/memberships/orgs/globex", "GET /user/memberships/orgs/acme"}},
	}
	for _, test := range tests {
		fake.ForgetRequests()
		got, err := allow(t, test.allow).Check(t.Context(), p, token, id)
		if err != nil || got != test.want {
			t.Errorf("%s: got %q (%v), want %q", test.allow, got, err, test.want)
		}
		if calls := fake.Calls(); !slices.Equal(calls, test.calls) {
			t.Errorf("%s: calls got %v, want %v", test.allow, calls, test.calls)
		}
	}
	_, err := allow(t, "org:globex, user:hubot").Check(t.Context(), p, token, id)
	wantKind(t, err, "not allowed")
}

// Every kind of rule is asked again about the account of today, found by its id (UP-10, K8, UP-06).
func TestRecheckJudgesTheAccountOfToday(t *testing.T) {
	t.Parallel()
	tests := []struct {
		what, rules string
		change      func(*oauthtest.GitHub)
		want        string // rule or kind of error
		login       string
	}{
		{"unchanged", "user:octocat", func(*oauthtest.GitHub) {}, "user:octocat", "octocat"},
		{"renamed, and the rule names the old login", "user:octocat",
			func(g *oauthtest.GitHub) { g.Rename(583231, "monalisa") }, "not allowed", ""},
		{"renamed, and somebody else has the old login", "user:octocat", func(g *oauthtest.GitHub) {
			g.Rename(583231, "monalisa")
			g.AddUser(oauthtest.User{Login: "octocat"})
		}, "not allowed", ""},
		{"renamed, and the rule names the new login", "user:octocat,user:monalisa",
			func(g *oauthtest.GitHub) { g.Rename(583231, "monalisa") }, "user:monalisa", "monalisa"},
		{"renamed, and the rule names the id", "user-id:583231",
			func(g *oauthtest.GitHub) { g.Rename(583231, "monalisa") }, "user-id:583231", "monalisa"},
		{"renamed, in the team", "team:acme/ops",
			func(g *oauthtest.GitHub) { g.Rename(583231, "monalisa") }, "team:acme/ops", "monalisa"},
		{"another address", "email-domain:example.com", func(g *oauthtest.GitHub) {
			g.AddUser(oauthtest.User{ID: 583231, Login: "octocat", Emails: []oauthtest.Email{
				{Email: "octocat@example.com", Verified: true},
				{Email: "o@evil.example", Primary: true, Verified: true}}})
		}, "not allowed", ""},
		{"the same address", "email-domain:example.com",
			func(*oauthtest.GitHub) {}, "email-domain:example.com", "octocat"},
		{"suspended", "user-id:583231", func(g *oauthtest.GitHub) { g.Suspend("octocat") }, "not allowed", ""},
		{"suspended member", "org:acme", func(g *oauthtest.GitHub) { g.Suspend("octocat") }, "not allowed", ""},
		{"suspended, on an Enterprise Server", "user-id:583231", func(g *oauthtest.GitHub) {
			g.Outage("/user", oauthtest.Fault{Status: 200,
				Body: `{"id":583231,"login":"octocat","suspended_at":"2026-01-01T00:00:00Z"}`})
		}, "not allowed", ""},
		// GitHub says 401 for the token of a deleted account, as for any dead token.
		{"deleted", "user-id:583231", func(g *oauthtest.GitHub) { g.Delete("octocat") }, "dead", ""},
		{"token revoked", "user:octocat", func(g *oauthtest.GitHub) { g.RevokeTokens("octocat") }, "dead", ""},
		{"provider down", "user:octocat",
			func(g *oauthtest.GitHub) { g.Outage("", oauthtest.ServerError()) }, "outage", ""},
		{"addresses cannot be read, and another rule admits", "email-domain:example.com,org:acme",
			func(g *oauthtest.GitHub) { g.Outage("/user/emails", oauthtest.ServerError()) }, "org:acme", "octocat"},
		{"addresses cannot be read", "email-domain:example.com,user:mona",
			func(g *oauthtest.GitHub) { g.Outage("/user/emails", oauthtest.ServerError()) }, "outage", ""},
		{"anyone, token revoked", "anyone",
			func(g *oauthtest.GitHub) { g.RevokeTokens("octocat") }, "anyone", "octocat"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			fake := oauthtest.StartGitHub(t, nil)
			fake.AddToTeam("acme", "ops", "octocat", "active")
			p := provider(t, fake, "read:org", "user:email")
			known, token := signIn(t, p, "octocat")
			test.change(fake)
			today, got, err := allow(t, test.rules).Recheck(t.Context(), p, token, known)
			if err != nil {
				got = kind(err)
			}
			if got != test.want {
				t.Fatalf("got %s (%v), want %s", got, err, test.want)
			}
			if err != nil {
				return // as wanted
			}
			if today.Login != test.login || today.Subject != known.Subject || today.Email != known.Email {
				t.Errorf("got %+v, want login %s and else %+v", today, test.login, known)
			}
		})
	}
}

// A scope is needed by the rules that ask for it alone; a token without it is told apart, since only a
// sign-in helps (K5, UP-11).
func TestRecheckNeedsOnlyTheScopesOfItsRules(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake, "read:org", "user:email")
	known, token := upstream.Identity{Subject: "github:583231", Login: "octocat"}, tokenFor(fake, "octocat", "")
	for rules, missing := range map[string]bool{
		"user:octocat": false, "user-id:583231": false, "user:octocat,org:acme,email-domain:example.com": false,
		"org:acme": true, "team:acme/ops": true, "email-domain:example.com": true,
	} {
		_, _, err := allow(t, rules).Recheck(t.Context(), p, token, known)
		if errors.Is(err, upstream.ErrScopeMissing) != missing || !missing && err != nil {
			t.Errorf("%s: error got %v, want a missing scope: %t", rules, err, missing)
		}
	}
	if calls := fake.Calls(); slices.ContainsFunc(calls, func(c string) bool { return c != "GET /user" }) {
		t.Errorf("calls got %v, want none that needs a scope", calls)
	}
}

// The development sign-in keeps no token and knows no more than the login, so there is nothing to ask.
func TestDevelopmentSignInIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	p, known := &upstream.Development{}, upstream.Identity{Subject: "development:octocat", Login: "octocat"}
	today, got, err := allow(t, "user:octocat").Recheck(t.Context(), p, upstream.Token{}, known)
	if err != nil || got != "user:octocat" || today != known {
		t.Errorf("got %q, %+v (%v), want user:octocat and the person as known", got, today, err)
	}
	_, _, err = allow(t, "user:mona").Recheck(t.Context(), p, upstream.Token{}, known)
	wantKind(t, err, "not allowed")
	for text, lasts := range map[string]bool{
		"anyone": true, "user:octocat": false, "user-id:1": false, "email-domain:x.example": false, "org:acme": false,
	} {
		if got := rule(t, text).Lasts(&upstream.GitHub{}); got != lasts {
			t.Errorf("%s at GitHub: lasts got %t, want %t", text, got, lasts)
		}
		if !rule(t, text).Lasts(p) {
			t.Errorf("%s at the development sign-in: got asked again, want not", text)
		}
	}
}

// An outage spoils a "no", not a "yes" (UP-17, UP-18).
func TestOutageOfOneRuleLeavesTheOthers(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddToOrg("acme", "octocat", "active")
	p := provider(t, fake, "read:org")
	id, token := signIn(t, p, "octocat")
	fake.Outage("/user/memberships/orgs/globex", oauthtest.ServerError())
	if got, err := allow(t, "org:globex, org:acme").Check(t.Context(), p, token, id); err != nil || got != "org:acme" {
		t.Errorf("got %q (%v), want org:acme", got, err)
	}
	_, err := allow(t, "org:globex, org:initech").Check(t.Context(), p, token, id)
	wantKind(t, err, "outage")
	fake.RevokeTokens("octocat")
	_, err = allow(t, "org:acme, org:globex").Check(t.Context(), p, token, id)
	wantKind(t, err, "dead")
}
