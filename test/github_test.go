package test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// githubToken is the shape of GitHub's own tokens, which must not be logged or handed on.
var githubToken = regexp.MustCompile(`gho_[A-Za-z0-9]{16,}`)

// startGitHub starts a server in front of a fake GitHub, both in processes of their own.
func startGitHub(t *testing.T, allow string, settings map[string]string) (*rig.Server, *rig.GitHub) {
	t.Helper()
	g := rig.StartGitHub(t)
	all := g.Settings(allow)
	maps.Copy(all, settings)
	s := rig.Start(t, rig.Options{Settings: all})
	s.Witness.Remember(g.Secret())
	t.Cleanup(func() {
		if githubToken.MatchString(s.LogText()) {
			t.Error("got a token of GitHub's in the log, want none (LG-01)")
		}
	})
	return s, g
}

// newApp registers another client.
func newApp(t *testing.T, s *rig.Server) *rig.App {
	t.Helper()
	a := rig.NewApp(s)
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return a
}

// readProfile calls the tool that uses the person's own token.
func readProfile(t *testing.T, a *rig.App) (login string, failed bool) {
	t.Helper()
	var result struct {
		IsError bool `json:"isError"`
		Content struct {
			Login string `json:"login"`
		} `json:"structuredContent"`
	}
	profile := map[string]any{"name": "profile", "arguments": map[string]any{}}
	if err := a.RPC(t.Context(), rig.Modern, "tools/call", profile, &result); err != nil {
		t.Fatal(err)
	}
	return result.Content.Login, result.IsError
}

func TestGoClientSignsInThroughGitHub(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startGitHub(t, "user:octocat", map[string]string{"ACCESS_TOKEN_TTL": "2s"})
	c := connectGo(t, s, "octocat")
	who, err := c.whoami(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if who.Login != "octocat" || who.Subject != "github:583231" {
		t.Errorf("got %+v, want octocat by the number 583231", who)
	}
	g.Do("rename", map[string]string{"id": "583231", "login": "monalisa"})
	a := newApp(t, s)
	if err := a.SignIn(t.Context(), c.browser, "monalisa"); err == nil {
		t.Error("got in under a name that is not allowed")
	}
}

// The attack on proxies in front of GitHub: GitHub asks a returning user nothing, so our
// own page is the only one that stands between a stranger's client and a code.
func TestReturningUserStillSeesOurConsent(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, _ := startGitHub(t, "anyone", nil)
	b := s.Browser(rig.RedirectURI)
	if err := newApp(t, s).SignIn(t.Context(), b, "octocat"); err != nil {
		t.Fatal(err)
	}
	a := newApp(t, s)
	address, _, _ := a.AuthorizeURL()
	p, err := b.Get(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	form := p.FormWith("decision=approve")
	if p.Redirect != nil || form == nil {
		t.Fatalf("got status %d without a consent form, want our consent page for the second client", p.Status)
	}
	after, err := b.Submit(t.Context(), p, form, nil, "decision=approve")
	if err != nil {
		t.Fatal(err)
	}
	if after.Redirect == nil || after.Redirect.Query().Get("code") == "" {
		t.Errorf("got %s, want GitHub to send the returning user straight back", after.URL.Path)
	}
}

// GitHub keeps ten tokens of a person; an eleventh ends the first. One connection must
// not end the others, and no token stays behind that nobody uses (K1).
func TestTwelveConnectionsOfOnePersonAllWork(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startGitHub(t, "anyone", nil)
	b := s.Browser(rig.RedirectURI)
	var apps []*rig.App
	for range 12 {
		a := newApp(t, s)
		if err := a.SignIn(t.Context(), b, "octocat"); err != nil {
			t.Fatal(err)
		}
		apps = append(apps, a)
	}
	for i, a := range apps {
		if login, failed := readProfile(t, a); failed || login != "octocat" {
			t.Errorf("profile through connection %d: got %q, failed %t; want octocat", i+1, login, failed)
		}
	}
	eventually(t, "the end of all tokens but the newest", func() error {
		live, err := strconv.Atoi(g.Do("tokens", map[string]string{"login": "octocat"}))
		if err == nil && live != 1 {
			err = fmt.Errorf("got %d live tokens, want 1", live)
		}
		return err
	})
	if login, failed := readProfile(t, apps[0]); failed || login != "octocat" {
		t.Errorf("profile after that: got %q, failed %t; want octocat", login, failed)
	}
}

// GitHub says "no" with status 200. It is not taken for a token, and the person can go on.
func TestGitHubErrorWithStatus200GivesNoCode(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startGitHub(t, "anyone", nil)
	a := newApp(t, s)
	b := s.Browser(g.URL + "/login/oauth/authorize")
	address, verifier, _ := a.AuthorizeURL()
	p, err := b.Get(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	p, err = b.Submit(t.Context(), p, p.FormWith("decision=approve"), nil, "decision=approve")
	if err != nil || p.Redirect == nil {
		t.Fatalf("approve: got %+v, %v; want to be sent to GitHub", p, err)
	}
	atGitHub := p.Redirect.String()
	b.Stop = rig.RedirectURI
	wrong := url.Values{"code": {"0123456789abcdef0123"}, "state": {p.Redirect.Query().Get("state")}}
	p, err = b.Get(t.Context(), s.URL+"/auth/callback?"+wrong.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if p.Redirect != nil && p.Redirect.Query().Get("code") != "" {
		t.Fatal("got a code although GitHub refused its own")
	}
	if p.Redirect == nil && p.Status < 400 {
		t.Errorf("got status %d, want an error page", p.Status)
	}
	back, err := b.Walk(t.Context(), atGitHub, "octocat")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Redeem(t.Context(), back.Query().Get("code"), verifier); err != nil {
		t.Errorf("redeem after going on: %v", err)
	}
}

// A GitHub that is down keeps nobody out who is in, and loses nothing for who comes.
func TestOutageOfGitHubEndsNoConnection(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startGitHub(t, "anyone", nil)
	a := newApp(t, s)
	b := s.Browser(rig.RedirectURI)
	if err := a.SignIn(t.Context(), b, "octocat"); err != nil {
		t.Fatal(err)
	}
	g.Do("outage", map[string]string{"path": "/login/oauth/access_token", "kind": "500"})
	g.Do("outage", map[string]string{"path": "/user", "kind": "500"})
	if err := a.Refresh(t.Context()); err != nil {
		t.Errorf("refresh while GitHub is down: %v", err)
	}
	if login, err := a.Whoami(t.Context(), rig.Modern); err != nil || login != "octocat" {
		t.Errorf("whoami while GitHub is down: got %q, %v", login, err)
	}
	other := newApp(t, s)
	page := refusedSignIn(t, other, b)
	if page.Status != http.StatusServiceUnavailable || page.Header.Get("Retry-After") == "" {
		t.Errorf("got status %d, Retry-After %q; want 503 that says when to try again",
			page.Status, page.Header.Get("Retry-After"))
	}
	g.Do("repair", nil)
	if err := other.SignIn(t.Context(), b, "octocat"); err != nil {
		t.Errorf("sign in after the repair: %v", err)
	}
}

// refusedSignIn walks until a page stays that is not the client's.
func refusedSignIn(t *testing.T, a *rig.App, b *oauthtest.Browser) *oauthtest.Page {
	t.Helper()
	address, _, _ := a.AuthorizeURL()
	p, err := b.Get(t.Context(), address)
	for err == nil && p.Redirect == nil && p.Status == http.StatusOK {
		p, err = b.Continue(t.Context(), p, "octocat")
	}
	if err != nil {
		t.Fatal(err)
	}
	if p.Redirect != nil {
		t.Fatalf("got sent to the client with error %q, want a page", p.Redirect.Query().Get("error"))
	}
	return p
}

// Who has left the organisation is out at the next refresh.
func TestLeavingTheOrganisationEndsTheConnection(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startGitHub(t, "org:acme", map[string]string{"MEMBERSHIP_TTL": "0s"})
	g.Do("join", map[string]string{"org": "acme", "login": "octocat"})
	a := newApp(t, s)
	if err := a.SignIn(t.Context(), s.Browser(rig.RedirectURI), "octocat"); err != nil {
		t.Fatal(err)
	}
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatalf("refresh of a member: %v", err)
	}
	g.Do("leave", map[string]string{"org": "acme", "login": "octocat"})
	var refusal *rig.Refusal
	if err := a.Refresh(t.Context()); !errors.As(err, &refusal) || refusal.Code != "invalid_grant" {
		t.Errorf("refresh after leaving: got %v, want invalid_grant", err)
	}
}

// A stranger is told so, by an error to the client and not by a broken page.
func TestStrangerGetsAccessDenied(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, _ := startGitHub(t, "user:octocat", nil)
	a := newApp(t, s)
	address, _, state := a.AuthorizeURL()
	back, err := s.Browser(rig.RedirectURI).Walk(t.Context(), address, "stranger")
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if q.Get("error") != "access_denied" || q.Get("state") != state || strings.Contains(back.String(), "code=") {
		t.Errorf("got error %q, want access_denied with the state and no code", q.Get("error"))
	}
}
