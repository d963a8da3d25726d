package oauthtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const appCallback = "http://127.0.0.1:1/auth/callback"

// config is how golang.org/x/oauth2, which is not ours, sees the fake.
func config(g *GitHub, scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: g.ClientID, ClientSecret: g.ClientSecret, RedirectURL: appCallback, Scopes: scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: g.URL + "/login/oauth/authorize", TokenURL: g.URL + "/login/oauth/access_token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

func signIn(t *testing.T, g *GitHub, b *Browser, login, verifier string, scopes ...string) url.Values {
	t.Helper()
	u := config(g, scopes...).AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier))
	q := b.SignIn(t, u, login).Query()
	if q.Get("state") != "state-1" {
		t.Fatalf("state got %q, want state-1", q.Get("state"))
	}
	return q
}

func getAPI(t *testing.T, g *GitHub, path, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", g.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestOAuth2LibrarySignsInAtTheFake(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	verifier := oauth2.GenerateVerifier()
	q := signIn(t, g, NewBrowser(appCallback), "octocat", verifier, "read:org")
	tok, err := config(g).Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Extra("scope"); got != "read:org" {
		t.Errorf("scope got %v, want read:org", got)
	}
	if _, body := getAPI(t, g, "/user", tok.AccessToken); !strings.Contains(body, `"id":583231`) {
		t.Errorf("/user got %s, want id 583231", body)
	}
}

func TestCodeIsTakenOnceWithItsVerifierWithinTenMinutes(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	g := StartGitHub(t, &GitHubOptions{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	b := NewBrowser(appCallback)
	verifier := oauth2.GenerateVerifier()
	redeem := func(code, verifier, redirectURI string) error {
		c := config(g)
		c.RedirectURL = redirectURI
		_, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
		return err
	}
	refused := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	code := signIn(t, g, b, "octocat", verifier).Get("code")
	if err := redeem(code, verifier, appCallback); err != nil {
		t.Fatal(err)
	}
	refused("second use", redeem(code, verifier, appCallback), "bad_verification_code")
	code = signIn(t, g, b, "octocat", verifier).Get("code")
	refused("other verifier", redeem(code, oauth2.GenerateVerifier(), appCallback), "bad_verification_code")
	code = signIn(t, g, b, "octocat", verifier).Get("code")
	refused("other redirect", redeem(code, verifier, appCallback+"/x"), "redirect_uri_mismatch")
	code = signIn(t, g, b, "octocat", verifier).Get("code")
	ahead.Store(int64(10*time.Minute + time.Second))
	refused("too late", redeem(code, verifier, appCallback), "bad_verification_code")
}

func TestErrorsOfTheTokenEndpointHaveStatus200(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	for _, accept := range []string{"", "application/json"} {
		form := url.Values{"client_id": {g.ClientID}, "client_secret": {"wrong"}, "code": {"x"}}
		token := g.URL + "/login/oauth/access_token"
		r, err := http.NewRequestWithContext(t.Context(), "POST", token, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "incorrect_client_credentials") {
			t.Errorf("Accept %q: got %d %s (%v), want 200 with incorrect_client_credentials",
				accept, resp.StatusCode, body, err)
		}
		if isJSON := strings.HasPrefix(string(body), "{"); isJSON != (accept != "") {
			t.Errorf("Accept %q: JSON is %v", accept, isJSON)
		}
	}
}

func TestReturningPersonSeesNoPage(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	b := NewBrowser(appCallback)
	signIn(t, g, b, "octocat", oauth2.GenerateVerifier(), "read:org")
	direct := func(scopes ...string) bool {
		p, err := b.Get(t.Context(), config(g, scopes...).AuthCodeURL("s"))
		if err != nil {
			t.Fatal(err)
		}
		return p.Redirect != nil
	}
	if !direct("read:org") || !direct() {
		t.Error("approved scopes: got a page, want a redirect at once")
	}
	if direct("read:org", "user:email") {
		t.Error("a new scope: got a redirect at once, want the consent page")
	}
}

func TestCancelIsAccessDenied(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	b := NewBrowser(appCallback)
	p, err := b.Get(t.Context(), config(g).AuthCodeURL("s"))
	if err == nil {
		p, err = b.Continue(t.Context(), p, "octocat")
	}
	if err == nil {
		p, err = b.Submit(t.Context(), p, p.FormWith("authorize=0"), nil, "authorize=0")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Redirect.Query().Get("error"); got != "access_denied" {
		t.Errorf("error got %q, want access_denied", got)
	}
}

func TestRedirectURIMustLieAtOrBelowTheRegisteredOne(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, &GitHubOptions{Callback: appCallback})
	for raw, want := range map[string]bool{
		appCallback:                             true,
		appCallback + "/deeper":                 true,
		appCallback + "x":                       false,
		"http://127.0.0.1:2/auth/callback":      false,
		"https://127.0.0.1:1/auth/callback":     false,
		"http://127.0.0.1:1/":                   false,
		"http://evil.example:1/auth/callback":   false,
		"http://127.0.0.1:1/auth/../auth/other": false,
	} {
		if got := g.redirectAllowed(raw); got != want {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
}

func TestEleventhTokenEndsTheFirst(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	first := g.IssueToken("octocat", "read:org")
	other := g.IssueToken("octocat", "user:email")
	for range 9 {
		g.IssueToken("octocat", "read:org")
	}
	if resp, _ := getAPI(t, g, "/user", first); resp.StatusCode != 200 {
		t.Errorf("with ten tokens the first got %d, want 200", resp.StatusCode)
	}
	g.IssueToken("octocat", "read:org")
	if resp, _ := getAPI(t, g, "/user", first); resp.StatusCode != 401 {
		t.Errorf("with eleven tokens the first got %d, want 401", resp.StatusCode)
	}
	if resp, _ := getAPI(t, g, "/user", other); resp.StatusCode != 200 {
		t.Errorf("a token of other scopes got %d, want 200", resp.StatusCode)
	}
}

func TestOrganisationsComeInPages(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	for i := range 5 {
		g.AddToOrg(fmt.Sprintf("org%d", i), "octocat", "active")
	}
	token := g.IssueToken("octocat", "read:org")
	next, seen := "/user/orgs?per_page=2", 0
	for next != "" {
		resp, body := getAPI(t, g, next, token)
		seen += strings.Count(body, `"login"`)
		link, _, ok := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"+g.URL), ">")
		if next = ""; ok {
			next = link
		}
	}
	if seen != 5 {
		t.Errorf("organisations over all pages: got %d, want 5", seen)
	}
}

func TestKnobsWorkOverHTTP(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	token := g.IssueToken("octocat", "read:org")
	do := func(form string) string {
		resp, err := http.Post(g.URL+"/_control", "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: got %d %s (%v)", form, resp.StatusCode, body, err)
		}
		return strings.TrimSpace(string(body))
	}
	status := func(path string) int {
		resp, _ := getAPI(t, g, path, token)
		return resp.StatusCode
	}
	team := "/orgs/Acme/teams/ops/memberships/monalisa"
	steps := []struct {
		form, path string
		want       int
	}{
		{"do=rename&id=583231&login=monalisa", "/user", 200},
		{"do=join&org=acme&login=monalisa", "/user/memberships/orgs/ACME", 200},
		{"do=forget", team, 404},
		{"do=join&org=acme&team=ops&login=monalisa", team, 200},
		{"do=leave&org=acme&login=monalisa", team, 404},
		{"do=outage&path=/user&kind=500", "/user", 500},
		{"do=repair", "/user", 200},
		{"do=revoke&login=monalisa", "/user", 401},
	}
	for _, s := range steps {
		do(s.form)
		if got := status(s.path); got != s.want {
			t.Errorf("after %s: GET %s got %d, want %d", s.form, s.path, got, s.want)
		}
	}
	if got := do("do=saw&value=" + token); got != "true" {
		t.Errorf("saw got %q, want true", got)
	}
	if got := do("do=saw&value=something-else"); got != "false" {
		t.Errorf("saw got %q, want false", got)
	}
	if calls := g.Calls(); !slices.Contains(calls, "GET "+team) {
		t.Errorf("calls got %v, want GET %s among them", calls, team)
	}
}

// A private repository is there for its owner, by a token with the scope repo, and in the
// form of GitHub's REST API; a public one for everybody.
func TestPrivateRepositoriesNeedTheScope(t *testing.T) {
	t.Parallel()
	g := StartGitHub(t, nil)
	readme := strings.Repeat("hello ", 20)
	g.AddRepository("octocat", Repository{Name: "Hello", Description: "says hello", Readme: readme})
	g.AddRepository("octocat", Repository{Name: "Diary", Description: "hello diary", Private: true, Issues: []Issue{
		{Title: "Monday", Body: "was fine", Comments: []string{"indeed"}},
	}})
	all, some := g.IssueToken("octocat", "repo"), g.IssueToken("octocat", "public_repo")
	other := g.IssueToken("hubot", "repo")
	for _, c := range []struct {
		path, token string
		status      int
		want        string
	}{
		{"/search/repositories?q=hello+user:OctoCat", all, 200, `"total_count":2`},
		{"/search/repositories?q=hello+user:OctoCat", some, 200, `"total_count":1`},
		{"/search/repositories?q=hello+user:octocat", other, 200, `"total_count":1`},
		{"/search/repositories?q=hello+diary", all, 200, `"full_name":"octocat/Diary"`},
		{"/search/repositories?q=hello&per_page=1", all, 200, `"total_count":2`},
		{"/search/repositories?q=", all, 422, "Validation Failed"},
		{"/search/issues?q=indeed+is:issue", all, 200, `"html_url":"https://github.com/octocat/Diary/issues/1"`},
		{"/search/issues?q=indeed+is:issue", some, 200, `"items":[]`},
		{"/search/issues?q=indeed", all, 422, "is:issue"},
		{"/repos/octocat/diary", all, 200, `"visibility":"private"`},
		{"/repos/octocat/diary", other, 404, "Not Found"},
		{"/repos/octocat/hello/readme", some, 200, `\n`},
		{"/repos/octocat/diary/readme", all, 404, "Not Found"},
		{"/repos/octocat/diary/issues/1", all, 200, `"body":"was fine"`},
		{"/repos/octocat/diary/issues/2", all, 404, "Not Found"},
		{"/repos/octocat/diary/issues/1/comments", all, 200, `"body":"indeed"`},
		{"/repos/octocat/diary/issues/1/comments", some, 404, "Not Found"},
	} {
		resp, body := getAPI(t, g, c.path, c.token)
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: got %d %s, want %d with %s", c.path, resp.StatusCode, body, c.status, c.want)
		}
	}
}
