package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

const (
	challenge = fixture.Challenge
	verifier  = fixture.Verifier
)

// Clients that are registered from the start.
const (
	webID      = "c_web"      // one https URI, with a query
	loopbackID = "c_loopback" // http://127.0.0.1/callback, any port
	appID      = "c_app"      // a private-use scheme, and a hostile name
	manyID     = "c_many"     // two URIs
	oldID      = "c_old"      // URIs that the policy forbids today
	longID     = "c_long"     // a URI of nearly 2,000 bytes
	spoofID    = "c_spoof"    // a private-use URI that looks like somebody's address

	webURI      = "https://client.example/cb?tenant=a%20b"
	loopbackURI = "http://127.0.0.1:49152/callback"
	appURI      = "com.example.app:/oauth"
	spoofURI    = "com.evil.app://claude.ai/api/mcp/auth_callback"
	hostileName = `<script>alert(1)</script>"><img src=x>`
)

var longURI = "https://client.example/" + strings.Repeat("a", 1900)

// An endpoint is the authorization endpoint over a store in memory.
type endpoint struct {
	http.Handler
	Config
	*fixture.Base
	origin string
}

var must = fixture.Must

// open returns the endpoint of an origin. change may adjust what it is made of.
func open(tb testing.TB, address string, change func(*endpoint)) *endpoint {
	tb.Helper()
	f := &endpoint{Base: fixture.New(), origin: address}
	f.Clock.Set(time.Now()) // a browser's cookies end by the real time
	issuer, err := origin.Parse(address)
	must(tb, err)
	allow, err := upstream.ParseAllow("anyone")
	must(tb, err)
	log := f.Lines.Logger()
	f.Config = Config{
		Edge: edge.Deployment{Issuer: issuer, Log: log}, Provider: &upstream.Development{}, Allow: allow,
		OfflineAccess: true, CodeTTL: time.Minute, SignInTTL: 10 * time.Minute, GrantTTL: 90 * 24 * time.Hour,
		AccessTokenTTL: time.Hour, Log: log, Now: f.Clock.Now, Box: f.Sealer,
	}
	if change != nil {
		change(f)
	}
	f.Store = f.Open(tb, store.Lifetimes{RefreshGrace: 2 * time.Minute})
	f.register(tb)
	f.Cost.Take()
	f.Handler, err = New(f.Config)
	must(tb, err)
	return f
}

func (f *endpoint) register(tb testing.TB) {
	tb.Helper()
	for _, c := range []struct {
		id, name string
		uris     []string
	}{
		{webID, "Web Client", []string{webURI}},
		{loopbackID, "Claude", []string{"http://127.0.0.1/callback"}},
		{appID, hostileName, []string{appURI}},
		{manyID, "", []string{"https://client.example/one", "https://client.example/two"}},
		{oldID, "Old", []string{
			"http://plain.example/cb", "javascript:alert(1)", f.origin + "/auth/callback", "http://127.0.0.1/old",
		}},
		{longID, "Long", []string{longURI}},
		{spoofID, "Claude", []string{spoofURI}},
	} {
		_, err := f.Store.RegisterClient(tb.Context(), store.Client{ID: c.id, Metadata: oauth.ClientMetadata{
			ClientName: c.name, RedirectURIs: c.uris, GrantTypes: oauth.SupportedGrantTypes(),
			ResponseTypes: []string{oauth.ResponseTypeCode}, TokenEndpointAuthMethod: oauth.AuthMethodNone,
		}})
		must(tb, err)
	}
}

// A server is the endpoint behind https on loopback, so that browsers take its cookies.
type server struct {
	*endpoint
	github *oauthtest.GitHub // nil for the development sign-in
	https  *httptest.Server
}

func serve(tb testing.TB, change func(*endpoint)) *server {
	tb.Helper()
	s := &server{https: httptest.NewUnstartedServer(nil)}
	s.endpoint = open(tb, "https://"+s.https.Listener.Addr().String(), change)
	s.https.Config.Handler = s.endpoint
	s.https.StartTLS()
	tb.Cleanup(s.https.Close)
	s.https.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 32 // or each page costs a handshake
	return s
}

// serveGitHub serves with a fake GitHub and the people that allow lets in. change may adjust the rest.
func serveGitHub(tb testing.TB, allow string, change ...func(*Config)) *server {
	tb.Helper()
	github := oauthtest.StartGitHub(tb, nil)
	s := serve(tb, func(f *endpoint) {
		var err error
		f.Allow, err = upstream.ParseAllow(allow)
		must(tb, err)
		f.Provider, err = upstream.NewGitHub(upstream.GitHubConfig{
			ClientID: github.ClientID, URL: github.URL, APIURL: github.URL, Scopes: f.Allow.RequiredScopes(),
			ClientSecret: func(context.Context) (credential.Secret, error) {
				return credential.Wrap(github.ClientSecret), nil
			},
		})
		must(tb, err)
		for _, c := range change {
			c(&f.Config)
		}
	})
	s.github = github
	return s
}

// browser returns a new person's browser, which stops at the client's URI.
func (s *server) browser(stop string) *oauthtest.Browser {
	b := oauthtest.NewBrowser(stop)
	b.Transport = s.https.Client().Transport
	return b
}

// request returns an authorization URL; changes are names and values, an empty value
// removes the name.
func (f *endpoint) request(changes ...string) string {
	v := url.Values{
		"client_id": {loopbackID}, "redirect_uri": {loopbackURI}, "response_type": {"code"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {"st&te=1"},
	}
	for i := 0; i < len(changes); i += 2 {
		v.Del(changes[i])
		if changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return f.origin + oauth.AuthorizePath + "?" + v.Encode()
}

// get loads a page, which must have the status.
func get(tb testing.TB, b *oauthtest.Browser, u string, status int) *oauthtest.Page {
	tb.Helper()
	p, err := b.Get(tb.Context(), u)
	must(tb, err)
	return check(tb, p, status)
}

func check(tb testing.TB, p *oauthtest.Page, status int) *oauthtest.Page {
	tb.Helper()
	if p.Redirect != nil || p.Status != status {
		tb.Fatalf("got status %d, redirect %v, want a page with %d\n%s", p.Status, p.Redirect, status, p.Body)
	}
	return p
}

// press presses the button "decision=…" of a consent page.
func press(tb testing.TB, b *oauthtest.Browser, p *oauthtest.Page, button string) *oauthtest.Page {
	tb.Helper()
	form := p.FormWith(button)
	if form == nil {
		tb.Fatalf("the page has no button %s\n%s", button, p.Body)
	}
	next, err := b.Submit(tb.Context(), p, form, nil, button)
	must(tb, err)
	return next
}

// walk does what a willing person does until there is nothing more to press.
func walk(tb testing.TB, b *oauthtest.Browser, p *oauthtest.Page, login string) *oauthtest.Page {
	tb.Helper()
	asked := func() bool {
		return p.FormWith("decision=approve") != nil || p.FormWith("login") != nil || p.FormWith("authorize=1") != nil
	}
	for p.Redirect == nil && asked() {
		next, err := b.Continue(tb.Context(), p, login)
		must(tb, err)
		p = next
	}
	return p
}

// signIn walks to the client and returns the parameters it got, each at most once.
func (s *server) signIn(tb testing.TB, b *oauthtest.Browser, u, login string) url.Values {
	tb.Helper()
	return parameters(tb, b.SignIn(tb, u, login))
}

func parameters(tb testing.TB, u *url.URL) url.Values {
	tb.Helper()
	if u == nil {
		tb.Fatal("got a page, want the client's redirect URI")
	}
	q := u.Query()
	for name, values := range q {
		if len(values) != 1 {
			tb.Errorf("%s: got %d values, want one", name, len(values))
		}
	}
	return q
}

// redeem returns the grant that a code gives, to see what it is bound to.
func (s *server) redeem(tb testing.TB, code string) store.Grant {
	tb.Helper()
	var problems []error
	for _, candidate := range []string{webID, loopbackID, appID, manyID, oldID} {
		c, err := s.Store.Client(tb.Context(), candidate)
		must(tb, err)
		verifies := func(c store.Code) error { return c.Challenge.Verify(verifier) }
		red, _, err := s.Store.RedeemCode(tb.Context(), credential.Wrap(code), "", c, verifies)
		if err == nil {
			return red.Grant
		}
		problems = append(problems, err)
	}
	tb.Fatalf("the code is nobody's: %v", errors.Join(problems...))
	return store.Grant{}
}

func (s *server) wantCost(tb testing.TB, what string, reads, commits int64) {
	tb.Helper()
	s.WantCost(tb, what, memory.Cost{Reads: reads, Commits: commits})
}

// send sends a request past all browsers. Headers are names and values.
func (f *endpoint) send(tb testing.TB, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	path := strings.TrimPrefix(target, f.origin)
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}
