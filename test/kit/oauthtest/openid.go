package oauthtest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// OpenID is a fake OpenID Connect provider on loopback. It does what the specification wants,
// and anything else on request only. Its methods are safe for concurrent use.
//
// Who signs in is typed into its page: a person it does not know is made. Refresh tokens
// rotate, and one that comes twice ends all of its sign-in.
type OpenID struct {
	// URL is the issuer.
	URL string
	// ClientID and ClientSecret of the one client there is.
	ClientID, ClientSecret string

	server *http.Server
	now    func() time.Time

	mu       sync.Mutex
	people   map[string]*OpenIDPerson // by login
	keys     []jose.JSONWebKey        // private; the first one signs
	codes    map[string]openIDCode
	sessions map[string]*openIDSession // by sid
	access   map[string]openIDAccess   // access token → session
	refresh  map[string]string         // refresh token → sid; spent ones too
	alter    map[string]func(map[string]any)
	sign     func(header, claims map[string]any) (token string, ok bool)
	faults   map[string]Fault
	calls    []string
	lastForm url.Values
	lost     bool // the next token answer is made and not sent
	issued   int
}

// An OpenIDPerson is an account of the fake.
type OpenIDPerson struct {
	Sub, Login, Name, Email string
	Unverified              bool     // the address
	Groups                  []string // nil leaves the claim out
	Disabled                bool
	Claims                  map[string]any // more of them
}

// OpenIDOptions change how [NewOpenID] starts. Zero values mean the defaults.
type OpenIDOptions struct {
	Addr     string           // where to listen; default 127.0.0.1 with a free port
	Path     string           // of the issuer, after the host
	ClientID string           // default "postern"
	Now      func() time.Time // default time.Now
}

type openIDCode struct {
	sid, challenge, redirect, nonce string
	offline                         bool
}

type openIDSession struct {
	sid, login string
	offline    bool
	newest     string // refresh token
	over       bool
}

type openIDAccess struct {
	sid   string
	until time.Time
}

// logoutEvent is what a logout token says (Back-Channel Logout 1.0 §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// accessLife is how long an access token of the fake works.
const accessLife = 10 * time.Minute

// NewOpenID starts a fake. The caller calls [OpenID.Close].
func NewOpenID(o *OpenIDOptions) (*OpenID, error) {
	if o == nil {
		o = &OpenIDOptions{}
	}
	l, err := net.Listen("tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("start fake OpenID provider: %w", err)
	}
	p := &OpenID{
		URL:      "http://" + l.Addr().String() + o.Path,
		ClientID: cmp.Or(o.ClientID, "postern"), ClientSecret: "s3cret +%&/x",
		now: o.Now, people: map[string]*OpenIDPerson{}, codes: map[string]openIDCode{},
		sessions: map[string]*openIDSession{}, access: map[string]openIDAccess{}, refresh: map[string]string{},
		alter: map[string]func(map[string]any){}, faults: map[string]Fault{},
	}
	if p.now == nil {
		p.now = time.Now
	}
	p.RotateKeys(false)
	p.server = &http.Server{Handler: p.handler(o.Path), ReadHeaderTimeout: 10 * time.Second}
	go p.server.Serve(l) // returns when Close is called, with nothing to tell
	return p, nil
}

// StartOpenID starts a fake for the time of a test.
func StartOpenID(t TB, o *OpenIDOptions) *OpenID {
	t.Helper()
	p, err := NewOpenID(o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// Close stops the fake and cuts open connections.
func (p *OpenID) Close() { _ = p.server.Close() }

func (p *OpenID) handler(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", p.document("discovery", p.describe))
	mux.HandleFunc("GET /jwks", p.document("jwks", p.publish))
	mux.HandleFunc("GET /authorize", p.page)
	mux.HandleFunc("POST /login", p.signIn)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("POST /revoke", p.revoke)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls = append(p.calls, r.Method+" "+r.URL.Path)
		fault, broken := p.faults[r.URL.Path]
		if every, ok := p.faults[""]; ok && !broken {
			fault, broken = every, true
		}
		p.mu.Unlock()
		if broken {
			fault.write(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Add adds a person, or replaces the one of that login. An empty Sub is made of the login.
func (p *OpenID) Add(person OpenIDPerson) {
	p.mu.Lock()
	defer p.mu.Unlock()
	person.Sub = cmp.Or(person.Sub, "sub|"+person.Login)
	p.people[person.Login] = &person
}

// Change changes a person.
func (p *OpenID) Change(login string, f func(*OpenIDPerson)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.person(login))
}

func (p *OpenID) person(login string) *OpenIDPerson {
	if p.people[login] == nil {
		p.people[login] = &OpenIDPerson{
			Sub: "sub|" + login, Login: login, Name: strings.ToUpper(login), Email: login + "@example.com",
			Groups: []string{},
		}
	}
	return p.people[login]
}

// Alter changes the JSON of "discovery", "jwks", "token" or "userinfo" before it is sent; nil
// changes nothing any more.
func (p *OpenID) Alter(what string, f func(map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alter[what] = f
}

// SignBy makes every token by f in place of the first key. An f that returns false has only
// changed header and claims.
func (p *OpenID) SignBy(f func(header, claims map[string]any) (token string, ok bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sign = f
}

// Outage makes every request for path meet the fault; path "" means all paths.
func (p *OpenID) Outage(path string, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[path] = f
}

// Repair ends all outages.
func (p *OpenID) Repair() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.faults)
}

// LoseAnswer makes the next token and does not send it: the connection breaks.
func (p *OpenID) LoseAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

// RotateKeys makes a new key that signs from now on. Keep leaves the earlier ones published.
func (p *OpenID) RotateKeys(keep bool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !keep {
		p.keys = nil
	}
	p.issued++
	next := jose.JSONWebKey{Key: key, KeyID: "key-" + strconv.Itoa(p.issued), Algorithm: "ES256", Use: "sig"}
	p.keys = append([]jose.JSONWebKey{next}, p.keys...)
}

// Calls returns "METHOD path" of each request so far.
func (p *OpenID) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// Count returns how often a request was made.
func (p *OpenID) Count(call string) (n int) {
	for _, c := range p.Calls() {
		if c == call {
			n++
		}
	}
	return n
}

// LastForm returns the last form that the token or the revocation endpoint got.
func (p *OpenID) LastForm() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.lastForm)
}

// EndSessions ends every sign-in of a person, as signing out there does.
func (p *OpenID) EndSessions(login string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		s.over = s.over || s.login == login
	}
}

// Live returns how many sign-ins of a person have not ended.
func (p *OpenID) Live(login string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		if s.login == login && !s.over {
			n++
		}
	}
	return n
}

// LogoutToken is what the provider sends when a person signs out (Back-Channel Logout 1.0
// §2.4): by sub, by the sid of their last sign-in, or by both. change may alter it; nil does
// not.
func (p *OpenID) LogoutToken(login string, bySub, bySession bool, change func(header, claims map[string]any)) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := map[string]any{
		"iss": p.URL, "aud": p.ClientID, "iat": p.now().Unix(), "exp": p.now().Add(2 * time.Minute).Unix(),
		"jti": rand.Text(), "events": map[string]any{logoutEvent: map[string]any{}},
	}
	if bySub {
		c["sub"] = p.person(login).Sub
	}
	if bySession {
		last := ""
		for sid, s := range p.sessions {
			if s.login == login && (len(sid) > len(last) || len(sid) == len(last) && sid > last) {
				last = sid
			}
		}
		c["sid"] = last
	}
	header := map[string]any{"typ": "logout+jwt", "alg": "ES256", "kid": p.keys[0].KeyID}
	if change != nil {
		change(header, c)
	}
	return SignJWT(p.keys[0].Key, header, c)
}
