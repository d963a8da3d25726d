package oauthtest

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// GitHub is a fake GitHub on loopback. It checks what GitHub checks and misbehaves
// on request only. Its methods are safe for concurrent use.
//
// Anyone may sign in under any login: an unknown one is signed up, with the next
// free id. octocat (583231) is there from the start.
type GitHub struct {
	// URL is the origin, without a trailing slash, of pages and API alike: the
	// value for GITHUB_URL and for GITHUB_API_URL.
	URL string
	// ClientID and ClientSecret of the one OAuth app there is.
	ClientID, ClientSecret string

	server   *http.Server
	callback string
	app      bool
	refresh  map[string]string // refresh token → access token of a GitHub App
	now      func() time.Time

	mu       sync.Mutex
	nextID   int64
	accounts map[int64]*account
	orgs     map[string]map[int64]string // lower-case name → member → state
	teams    map[string]map[int64]string // "org/slug" → member → state

	repositories []*repository

	sessions  map[string]int64   // cookie → account
	approvals map[int64]scopeSet // account → scopes it approved for the app
	codes     map[string]*issuedCode
	tokens    map[string]*issuedToken
	issued    int               // tokens ever issued, which orders them
	faults    map[string]*Fault // path → fault; "" is every path
	requests  []Request
}

// GitHubOptions change how [NewGitHub] starts. Zero values mean the defaults.
type GitHubOptions struct {
	Addr         string           // where to listen; default 127.0.0.1 with a free port
	Host         string           // host name in URL; "localhost" makes it another site than 127.0.0.1
	ClientID     string           // default "Ov23liFakeFakeFake01"
	ClientSecret string           // default forty hexadecimal digits
	App          bool             // a GitHub App: tokens without scopes that end after eight hours
	Callback     string           // registered callback URL; empty accepts any URL on loopback
	Now          func() time.Time // default time.Now; codes live 10 minutes
}

// A User is an account as a test sees it.
type User struct {
	ID     int64 // 0 means the next free one
	Login  string
	Name   string
	Emails []Email
}

// An Email is one address of an account.
type Email struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

type account struct {
	User
	suspended bool
}

// NewGitHub starts a fake. The caller calls [GitHub.Close].
func NewGitHub(o *GitHubOptions) (*GitHub, error) {
	if o == nil {
		o = &GitHubOptions{}
	}
	l, err := net.Listen("tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("start fake GitHub: %w", err)
	}
	g := &GitHub{
		URL:          "http://" + address(l.Addr(), o.Host),
		ClientID:     cmp.Or(o.ClientID, "Ov23liFakeFakeFake01"),
		ClientSecret: cmp.Or(o.ClientSecret, strings.Repeat("0123456789", 4)),
		callback:     o.Callback,
		app:          o.App,
		now:          o.Now,
		nextID:       9_007_199_254_740_993, // 2^53+1: a float would lose its last digit
		accounts:     map[int64]*account{},
		orgs:         map[string]map[int64]string{},
		teams:        map[string]map[int64]string{},
		sessions:     map[string]int64{},
		approvals:    map[int64]scopeSet{},
		codes:        map[string]*issuedCode{},
		refresh:      map[string]string{},
		tokens:       map[string]*issuedToken{},
		faults:       map[string]*Fault{},
	}
	if g.now == nil {
		g.now = time.Now
	}
	octocat := []Email{{"octocat@example.com", true, true}}
	g.AddUser(User{ID: 583231, Login: "octocat", Name: "The Octocat", Emails: octocat})
	g.server = &http.Server{Handler: g.handler(), ReadHeaderTimeout: 10 * time.Second}
	go g.server.Serve(l) // returns when Close is called, with nothing to tell
	return g, nil
}

// address is where a listens, under another host name if one is given.
func address(a net.Addr, host string) string {
	if host == "" {
		return a.String()
	}
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return net.JoinHostPort(host, port)
}

// TB is the part of testing.TB that this package uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// StartGitHub starts a fake for the time of a test.
func StartGitHub(t TB, o *GitHubOptions) *GitHub {
	t.Helper()
	g, err := NewGitHub(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(g.Close)
	return g
}

// Close stops the fake and cuts open connections.
func (g *GitHub) Close() { _ = g.server.Close() }

func (g *GitHub) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/authorize", g.decide)
	mux.HandleFunc("POST /session", g.signIn)
	mux.HandleFunc("POST /login/oauth/access_token", g.accessToken)
	mux.HandleFunc("GET /user", g.api("", g.getUser))
	mux.HandleFunc("GET /user/emails", g.api("user:email", g.getEmails))
	mux.HandleFunc("GET /user/orgs", g.api("read:org", g.getOrgs))
	mux.HandleFunc("GET /user/memberships/orgs/{org}", g.api("read:org", g.getOrgMembership))
	mux.HandleFunc("GET /orgs/{org}/teams/{slug}/memberships/{login}", g.api("read:org", g.getTeamMembership))
	g.handleRepositories(mux)
	mux.HandleFunc("DELETE /applications/{id}/token", g.deleteToken)
	outer := http.NewServeMux()
	outer.HandleFunc("POST /_control", g.control)
	outer.HandleFunc("GET /_control/requests", g.controlRequests)
	outer.Handle("/", g.recorded(g.faulty(mux)))
	return outer
}

// AddUser adds an account, or replaces the one with that id, and returns its id.
func (g *GitHub) AddUser(u User) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.add(u)
}

func (g *GitHub) add(u User) int64 {
	if u.ID == 0 {
		u.ID = g.nextID
		g.nextID++
	}
	g.accounts[u.ID] = &account{User: u}
	return u.ID
}

// byLogin finds an account; logins do not differ by case.
func (g *GitHub) byLogin(login string) *account {
	for _, a := range g.accounts {
		if strings.EqualFold(a.Login, login) {
			return a
		}
	}
	return nil
}

// idOf returns the id of a login and signs it up if it is new.
func (g *GitHub) idOf(login string) int64 {
	if a := g.byLogin(login); a != nil {
		return a.ID
	}
	return g.add(User{Login: login, Name: login, Emails: []Email{{login + "@example.com", true, true}}})
}

// Rename gives an account another login. The old one is free for others.
func (g *GitHub) Rename(id int64, login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.accounts[id]; a != nil {
		a.Login = login
	}
}

// Suspend closes an account to its owner; its tokens stay.
func (g *GitHub) Suspend(login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[g.idOf(login)].suspended = true
}

// Delete removes an account with its memberships and tokens. Its id is never given again.
func (g *GitHub) Delete(login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := g.idOf(login)
	g.dropTokens(id)
	delete(g.accounts, id)
	maps.DeleteFunc(g.sessions, func(_ string, of int64) bool { return of == id })
	for _, groups := range []map[string]map[int64]string{g.orgs, g.teams} {
		for _, members := range groups {
			delete(members, id)
		}
	}
}

// AddToOrg makes login a member of org; state is "active" or "pending".
func (g *GitHub) AddToOrg(org, login, state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	join(g.orgs, strings.ToLower(org), g.idOf(login), state)
}

// AddToTeam makes login a member of a team, and an active one of its organisation.
func (g *GitHub) AddToTeam(org, slug, login, state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := g.idOf(login)
	join(g.orgs, strings.ToLower(org), id, "active")
	join(g.teams, strings.ToLower(org+"/"+slug), id, state)
}

func join(groups map[string]map[int64]string, name string, id int64, state string) {
	if groups[name] == nil {
		groups[name] = map[int64]string{}
	}
	groups[name][id] = state
}

// RemoveFromOrg ends a membership, in the organisation's teams as well.
func (g *GitHub) RemoveFromOrg(org, login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	org = strings.ToLower(org)
	id := g.idOf(login)
	delete(g.orgs[org], id)
	for name, members := range g.teams {
		if strings.HasPrefix(name, org+"/") {
			delete(members, id)
		}
	}
}

// LiveTokens returns how many tokens of login still work.
func (g *GitHub) LiveTokens(login string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, id := 0, g.idOf(login)
	for _, t := range g.tokens {
		if t.account == id {
			n++
		}
	}
	return n
}

// RevokeTokens ends every token of login and the app's approval, as the person can
// do on GitHub's settings page.
func (g *GitHub) RevokeTokens(login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropTokens(g.idOf(login))
}

func (g *GitHub) dropTokens(id int64) {
	delete(g.approvals, id)
	for value, t := range g.tokens {
		if t.account == id {
			delete(g.tokens, value)
		}
	}
}
