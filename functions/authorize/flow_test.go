package authorize

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// The client gets code, state and iss, each once, appended to its own bytes, whoever signs people
// in. The fake GitHub refuses a code without the verifier of its S256 challenge (RSP-01, RSP-02,
// RSP-04, RSP-06, AC-12, AC-14, D7, H7, RU-18, UPS-01, UPS-05, K7).
func TestSignInEndsAtTheClientsOwnURI(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *server{
		"development": func(tb testing.TB) *server { return serve(tb, nil) },
		"github":      func(tb testing.TB) *server { return serveGitHub(tb, "anyone") },
	} {
		for _, c := range []struct{ client, uri string }{
			{webID, webURI}, {loopbackID, loopbackURI}, {appID, appURI}, {manyID, "https://client.example/two"},
		} {
			t.Run(name+" "+c.client, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				const state = `a b&c=d%20+é"'<>\` + "\t"
				request := s.request("client_id", c.client, "redirect_uri", c.uri, "state", state)
				got := s.browser(c.uri).SignIn(t, request, "octocat")
				if !strings.HasPrefix(got.String(), c.uri) {
					t.Fatalf("got redirect %s, want prefix %s", got, c.uri)
				}
				q := parameters(t, got)
				if q.Get("state") != state || q.Get("iss") != s.origin || q.Has("error") {
					t.Errorf("got state %q, iss %q, error %q; want %q, %q, none", q.Get("state"), q.Get("iss"),
						q.Get("error"), state, s.origin)
				}
				g := s.redeem(t, q.Get("code"))
				if g.ClientID != c.client || g.Resource != s.origin+"/mcp" || g.Scopes.String() != "mcp" ||
					g.Person.Login != "octocat" {
					t.Errorf("got grant %s %s %q %s", g.ClientID, g.Resource, g.Scopes, g.Person.Login)
				}
				if strings.Contains(q.Get("code"), challenge) { // RSP-05
					t.Error("the challenge stands in the code")
				}
			})
		}
	}
}

// What real clients leave out or add is no reason to stop (I1, I2, I3, W3, AUZ-09, AUZ-11, D1, D3,
// D4).
func TestOddRequestsAreServed(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	long := strings.Repeat("x", 2000)
	for name, changes := range map[string][]string{
		"no state":            {"state", ""},
		"short state":         {"state", "12345678"},
		"state of 2000 bytes": {"state", long},
		"hostile long state":  {"state", strings.Repeat("<", 2000)},
		"scope unknown":       {"scope", "claudeai openid profile"},
		"scope list":          {"scope", "offline_access mcp email"},
		"bare origin":         {"resource", s.origin},
		"slash":               {"resource", s.origin + "/mcp/"},
		"query":               {"resource", s.origin + "/mcp?x=1"},
		"prompt=consent":      {"prompt", "consent"}, // I8
		"login_hint":          {"login_hint", "octocat"},
		"unknown parameter":   {"x_y", "z"},
		"response_mode=query": {"response_mode", "query"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := s.request(changes...)
			want, _ := url.Parse(u)
			q := s.signIn(t, s.browser(loopbackURI), u, "octocat")
			if q.Get("state") != want.Query().Get("state") {
				t.Errorf("state: got %d bytes, want %d as sent", len(q.Get("state")), len(want.Query().Get("state")))
			}
			if g := s.redeem(t, q.Get("code")); g.Scopes.String() != "mcp" || g.Resource != s.origin+"/mcp" {
				t.Errorf("got scopes %q for %s, want mcp for %s/mcp", g.Scopes, g.Resource, s.origin)
			}
		})
	}
	t.Run("empty values", func(t *testing.T) {
		t.Parallel()
		s.signIn(t, s.browser(loopbackURI), s.request("state", "")+"&scope=&state=&resource=", "octocat")
	})
}

// offline_access is granted to a client that registered for refresh tokens, and to any other where
// the operator has it so (B10, B11).
func TestOfflineAccessIsGrantedOrNot(t *testing.T) {
	t.Parallel()
	code := []string{oauth.GrantAuthorizationCode}
	for _, row := range []struct {
		grants        []string
		scope         string
		setting, want bool
	}{
		{code, "mcp offline_access", true, true},
		{code, "offline_access", true, true},
		{code, "mcp", true, false},
		{code, "mcp offline_access", false, false},
		{oauth.SupportedGrantTypes(), "mcp offline_access", false, true},
		{oauth.SupportedGrantTypes(), "mcp", true, false},
	} {
		s := serve(t, func(f *endpoint) { f.OfflineAccess = row.setting })
		_, err := s.Store.RegisterClient(t.Context(), store.Client{ID: "c_row", Metadata: oauth.ClientMetadata{
			RedirectURIs: []string{"http://127.0.0.1/callback"}, GrantTypes: row.grants,
			TokenEndpointAuthMethod: oauth.AuthMethodNone,
		}})
		must(t, err)
		q := s.signIn(t, s.browser(loopbackURI), s.request("client_id", "c_row", "scope", row.scope), "octocat")
		got, err := s.Store.Code(t.Context(), credential.Wrap(q.Get("code")))
		must(t, err)
		if got.Offline != row.want || got.Scopes.String() != "mcp" {
			t.Errorf("%+v: got offline %t, scopes %q", row, got.Offline, got.Scopes)
		}
	}
}

// A person whom GitHub no longer asks is asked by us all the same, and GitHub hears nothing before
// that (CD-01, CD-04, CD-06, CON-01, CON-15, AUZ-12, AUZ-14, G5).
func TestConsentIsAskedEveryTime(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	b := s.browser(loopbackURI)
	s.signIn(t, b, s.request(), "octocat")
	s.github.ForgetRequests()
	p := get(t, b, s.request(), http.StatusOK)
	if p.FormWith("decision=approve") == nil || len(s.github.Requests()) != 0 {
		t.Fatalf("got a page without question, or %d requests at GitHub", len(s.github.Requests()))
	}
	if next := press(t, b, p, "decision=approve"); next.Redirect == nil {
		t.Errorf("GitHub knows the person and the app, want the client at once; got %s", next.Body)
	}
}

// The address at GitHub, given to somebody else, ends on a page of ours: no call to GitHub, no word
// to the client. The browser that approved is not hurt (CD-02, CON-09, UP-01, UP-03, H4).
func TestOnlyTheBrowserThatApprovedCompletes(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	attacker := s.browser(s.github.URL)
	atGitHub := press(t, attacker, get(t, attacker, s.request(), http.StatusOK), "decision=approve").Redirect
	victim := s.browser(loopbackURI)
	p := get(t, victim, atGitHub.String(), http.StatusOK)
	s.github.ForgetRequests()
	check(t, walk(t, victim, p, "victim"), http.StatusForbidden)
	for _, call := range s.github.Calls() {
		if strings.Contains(call, "access_token") {
			t.Errorf("GitHub was asked: %s", call)
		}
	}
	state := atGitHub.Query().Get("state")
	denied := s.origin + oauth.CallbackPath + "?error=access_denied&state=" + url.QueryEscape(state)
	check(t, get(t, victim, denied, http.StatusForbidden), http.StatusForbidden)
	attacker.Stop = loopbackURI
	p = walk(t, attacker, get(t, attacker, atGitHub.String(), http.StatusOK), "attacker")
	if got := s.redeem(t, parameters(t, p.Redirect).Get("code")).Person.Login; got != "attacker" {
		t.Errorf("got a grant of %s, want the attacker's own", got)
	}
}

// The grant is of the account that comes back, by its number; a login that was given up and taken
// by another is another person (CD-13, UP-06, K8).
func TestGrantBelongsToTheAccountThatReturns(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	s.github.AddUser(oauthtest.User{ID: 9007199254741001, Login: "big"}) // odd and above 2^53, UP-07
	first := s.redeem(t, s.signIn(t, s.browser(loopbackURI), s.request(), "octocat").Get("code"))
	s.github.Rename(583231, "cat")
	second := s.redeem(t, s.signIn(t, s.browser(loopbackURI), s.request(), "octocat").Get("code"))
	third := s.redeem(t, s.signIn(t, s.browser(loopbackURI), s.request(), "cat").Get("code"))
	big := s.redeem(t, s.signIn(t, s.browser(loopbackURI), s.request(), "big").Get("code"))
	if first.Person.Subject != "github:583231" || third.Person.Subject != first.Person.Subject ||
		second.Person.Subject == first.Person.Subject {
		t.Errorf("got %s, then %s under the old login and %s under the new one", first.Person.Subject,
			second.Person.Subject, third.Person.Subject)
	}
	if big.Person.Subject != "github:9007199254741001" {
		t.Errorf("got %s, want every digit", big.Person.Subject)
	}
	for _, g := range []string{first.Person.Subject, second.Person.Subject} { // AC-15
		if strings.HasPrefix(g, "c_") || strings.HasPrefix(g, "https://") {
			t.Errorf("a person is named like a client: %s", g)
		}
	}
}

// Each client has its own exact path, with whatever id in it; the port alone is free, on loopback
// (C10, C13, AUZ-05, RU-01).
func TestClientsHaveTheirOwnPath(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	const uri = "https://chatgpt.com/connector/oauth/Xy9_long-id/for/this/user"
	_, err := f.Store.UpdateClient(t.Context(), webID, func(c *store.Client) error {
		c.Metadata.RedirectURIs = []string{uri, "http://localhost/cb"}
		return nil
	})
	must(t, err)
	for uri, status := range map[string]int{
		uri: 200, uri + "/": 400, uri + "?x=1": 400, strings.Replace(uri, "Xy9", "Xy8", 1): 400,
		strings.ToLower(uri):       400,
		"http://localhost:4711/cb": 200, "http://localhost/cb": 200, "http://127.0.0.1/cb": 400,
		"https://localhost/cb": 400, "http://localhost:4711/cb2": 400,
	} {
		if w := f.send(t, http.MethodGet, f.request("client_id", webID, "redirect_uri", uri), ""); w.Code != status {
			t.Errorf("%s: got %d, want %d", uri, w.Code, status)
		}
	}
}

// A final no reaches the client, in words of ours (H6, UPS-08, UP-10, CON-14).
func TestRefusalsReachTheClient(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "org:acme")
	s.github.AddToOrg("acme", "member", "active")
	s.github.AddToOrg("acme", "invited", "pending") // UP-18
	b := s.browser(loopbackURI)
	if q := s.signIn(t, b, s.request(), "member"); !q.Has("code") {
		t.Errorf("a member: got %v, want a code", q)
	}
	for _, login := range []string{"stranger", "invited"} {
		q := s.signIn(t, s.browser(loopbackURI), s.request(), login)
		wantDenied(t, s, q, "this account may not enter: ask the operator of the server")
	}
	b = s.browser(loopbackURI)
	p := press(t, b, get(t, b, s.request(), http.StatusOK), "decision=approve")
	p, err := b.Continue(t.Context(), p, "octocat")
	must(t, err)
	q := parameters(t, press(t, b, p, "authorize=0").Redirect)
	wantDenied(t, s, q, "the sign-in was declined at the identity provider")

	s.github.Outage("/login/oauth/access_token", oauthtest.Fault{Status: 200,
		Body: `{"error":"unverified_user_email","error_description":"<b>x</b>"}`})
	wantDenied(t, s, s.signIn(t, s.browser(loopbackURI), s.request(), "member"),
		"GitHub wants this account to verify its e-mail address first")
}

func wantDenied(t *testing.T, s *server, q url.Values, description string) {
	t.Helper()
	want := url.Values{"error": {"access_denied"}, "error_description": {description}, "state": {"st&te=1"},
		"iss": {s.origin}}
	if q.Encode() != want.Encode() {
		t.Errorf("got %v, want %v", q, want)
	}
}

// However often a person signs in, one token of theirs is kept, the newest, and it stands in no
// page and no log (K1, UP-11, M5).
func TestOneUpstreamTokenPerPerson(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "anyone")
	var last []byte
	for range 3 {
		s.signIn(t, s.browser(loopbackURI), s.request(), "octocat")
		a, err := s.Store.Account(t.Context(), "github:583231")
		must(t, err)
		if string(a.UpstreamToken) == string(last) || len(a.UpstreamToken) == 0 {
			t.Error("the token of the newest sign-in is not kept")
		}
		last = a.UpstreamToken
	}
	people := 0
	for _, err := range s.Store.Accounts(t.Context()) {
		must(t, err)
		people++
	}
	if people != 1 {
		t.Errorf("got %d records of one person", people)
	}
	for _, secret := range []string{"gho_", "ac_", s.github.ClientSecret, "octocat@example.com"} {
		if strings.Contains(s.Lines.String(), secret) {
			t.Errorf("the log holds %s…", secret)
		}
	}
}

// A step-up scope is granted to a client that asks for it, and the page says it in the
// author's words; who asks for nothing gets the default alone (J4, I2).
func TestAStepUpScopeIsAskedForAndShown(t *testing.T) {
	t.Parallel()
	s := serve(t, func(f *endpoint) {
		scopes, err := oauth.ParseScopeSet(`[{"name":"write","words":"change your notes","default":true},` +
			`{"name":"admin","words":"delete <all> that was kept"}]`)
		must(t, err)
		f.Resources = oauth.NewResources(scopes)
	})
	const write, admin = "change your notes", "delete &lt;all&gt; that was kept"
	for _, row := range []struct {
		asked, want string
		shown       []string
	}{
		{"", "mcp write", []string{write}},
		{"openid", "mcp write", []string{write}},
		{"mcp", "mcp", nil},
		{"mcp admin", "mcp admin", []string{admin}},
		{"admin", "mcp admin", []string{admin}},
	} {
		u := s.request("scope", row.asked)
		page := s.send(t, http.MethodGet, u, "").Body.String()
		for _, words := range []string{write, admin} {
			if got := strings.Contains(page, words); got != slices.Contains(row.shown, words) {
				t.Errorf("%q: page says %q: got %v, want %v", row.asked, words, got, !got)
			}
		}
		q := s.signIn(t, s.browser(loopbackURI), u, "octocat")
		if g := s.redeem(t, q.Get("code")); g.Scopes.String() != row.want {
			t.Errorf("%q: got %q, want %q", row.asked, g.Scopes, row.want)
		}
	}
}
