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
	for name, token := range map[string]upstream.Token{"none": {}, "foreign": foreign, "expired": expired, "without scope": tokenFor(fake, "octocat", "")} {
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

// What is not an answer is an outage (UP-18, UP-17).
func TestMembershipOutageIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	bodies := map[string]oauthtest.Fault{
		"500":             oauthtest.ServerError(),
		"403":             {Status: http.StatusForbidden, Body: `{"message":"organization has enabled OAuth App access restrictions"}`},
		"429":             {Status: http.StatusTooManyRequests},
		"302":             {Redirect: "http://127.0.0.1:1/"},
		"HTML":            {Status: 200, ContentType: "text/html", Body: "<html>"},
		"without user":    {Status: 200, Body: `{"state":"active"}`},
		"about another":   {Status: 200, Body: `{"state":"active","user":{"id":583232,"login":"x"}}`},
		"id as a string":  {Status: 200, Body: `{"state":"active","user":{"id":"583231","login":"octocat"}}`},
		"list of answers": {Status: 200, Body: `[{"state":"active","user":{"id":583231}}]`},
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
	for status, want := range map[int]string{401: "outage", 403: "outage", 500: "outage", 200: "outage", 404: "none", 422: "none"} {
		fake.Outage(path, oauthtest.Fault{Status: status})
		if err := p.Revoke(t.Context(), token); kind(err) != want {
			t.Errorf("status %d: error got %v, want %s", status, err, want)
		}
	}
	fake.Repair()
	fake.ForgetRequests()
	token.ClientID = "another-app"
	if err := p.Revoke(t.Context(), token); !errors.Is(err, upstream.ErrTokenDead) || len(fake.Requests()) != 0 {
		t.Errorf("token of another app: error got %v and %d calls, want ErrTokenDead and none", err, len(fake.Requests()))
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
		{"user:hubot, org:globex, org:acme", "org:acme", []string{"GET /user/memberships/orgs/globex", "GET /user/memberships/orgs/acme"}},
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
