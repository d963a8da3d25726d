package mcp

import (
	"bufio"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

// challengeOf returns WWW-Authenticate and checks what every challenge has (CHL-02,
// CHL-03, CHL-04, CHL-10, CHL-12, E7, E8).
func challengeOf(t *testing.T, h http.Header) string {
	t.Helper()
	values := h.Values("WWW-Authenticate")
	if len(values) != 1 {
		t.Fatalf("WWW-Authenticate: got %d values, want 1", len(values))
	}
	c := values[0]
	for _, want := range []string{
		`resource_metadata="https://auth.example.com/.well-known/oauth-protected-resource/mcp"`, `scope="mcp`,
	} {
		if !strings.HasPrefix(c, "Bearer ") || strings.Count(c, want) != 1 || strings.Contains(c, "offline_access") {
			t.Errorf("challenge: got %s, want Bearer with %s once", c, want)
		}
	}
	return c
}

// The first thing that anybody without a token meets is the challenge, whatever they try, and it
// names no error (E3 to E8, W4, ATK-01, CHL-01, CHL-05, MP-11).
func TestWithoutTokenEveryMethodMeetsTheBareChallenge(t *testing.T) {
	t.Parallel()
	h := newEndpoint(t).open(t)
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"} {
		for _, body := range []string{"", initialize, "{", strings.Repeat("[", 1000)} {
			r := request(t.Context(), "", body)
			r.Method = method
			w := mustCode(t, h, r, http.StatusUnauthorized)
			if c := challengeOf(t, w.Header()); strings.Contains(c, "error") {
				t.Errorf("%s: got %s, want no error", method, c)
			}
			if strings.Contains(w.Body.String(), "whoami") {
				t.Errorf("%s: tells about tools: %s", method, w.Body)
			}
		}
	}
}

// Some clients send the scheme before they have a token (E5). That is not a credential, and only the
// bare challenge starts a sign-in.
func TestBearerWithoutATokenMeetsTheBareChallenge(t *testing.T) {
	t.Parallel()
	h := newEndpoint(t).open(t)
	for _, value := range []string{"", "Bearer", "Bearer ", "bearer   "} {
		w := mustCode(t, h, request(t.Context(), "", initialize, "Authorization", value), http.StatusUnauthorized)
		if c := challengeOf(t, w.Header()); strings.Contains(c, "error") {
			t.Errorf("%q: got %s, want no error", value, c)
		}
	}
}

// An unread body fails the test that reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

// Size cap, then token, then body: who is not let in costs no more than their headers (MP-11).
func TestNoBodyIsReadForWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	g := f.connect(t, "octocat", "Client", nil).Grant
	few := f.issue(t, g, func(c *accesstoken.Claims) { c.Scopes = []string{"other"} })
	for _, c := range []struct {
		claim, method, token string
		want                 int
	}{
		{"no token", "POST", "", 401},
		{"no token, another method", "PUT", "", 401},
		{"a preflight", "OPTIONS", "", 204},
		{"a bad token", "POST", "x", 401},
		{"too little scope", "POST", few, 403},
	} {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			r := request(t.Context(), c.token, "")
			r.Method, r.Body, r.ContentLength = c.method, io.NopCloser(unread{t}), maxBody
			w := mustCode(t, h, r, c.want)
			if c.want == 401 {
				challengeOf(t, w.Header())
			}
		})
	}
}

// The challenge leaves while the body is still under way (MP-11).
func TestTheChallengeDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(newEndpoint(t).open(t))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: auth.example.com\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("got %d, want 401", resp.StatusCode)
	}
	challengeOf(t, resp.Header)
}

// Only an access token of ours for this resource is one (AT-01 to AT-06, AT-13,
// ATK-02 to ATK-07).
// Whatever else is sent is answered invalid_token, the same for all.
func TestOnlyOurAccessTokenForThisResourceIsAccepted(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	g := conn.Grant
	foreign := &endpoint{Base: f.Base, ring: signing.Generate()}
	parts := strings.Split(conn.token, ".")
	header := func(s string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(s)) + "." + parts[1] + "." + parts[2]
	}
	sign := func(typ string, claims any) string {
		raw, err := f.ring.Sign(typ, claims)
		must(t, err)
		return raw
	}
	claims := func(without ...string) map[string]any {
		now := f.Clock.Now().Unix()
		c := map[string]any{
			"iss": issuer, "sub": g.Person.Subject, "aud": issuer + "/mcp", "client_id": g.ClientID, "scope": "mcp",
			"grant": g.ID, "jti": "x", "iat": now, "exp": now + 60,
		}
		for _, name := range without {
			delete(c, name)
		}
		return c
	}
	with := func(name string, v any) map[string]any {
		c := claims()
		c[name] = v
		return c
	}
	const another = "https://other.example.com/mcp"
	unsigned := header(`{"alg":"none","typ":"at+jwt"}`)
	cases := map[string]string{
		"another resource":       f.issue(t, g, func(c *accesstoken.Claims) { c.Audience = another }),
		"the bare origin":        f.issue(t, g, func(c *accesstoken.Claims) { c.Audience = issuer }),
		"a trailing slash":       f.issue(t, g, func(c *accesstoken.Claims) { c.Audience += "/" }),
		"another issuer":         f.issue(t, g, func(c *accesstoken.Claims) { c.Issuer = "https://other.example.com" }),
		"another server's key":   foreign.issue(t, g),
		"GitHub's":               "gho_16C7e42F292c6912E7710c838347Ae178B4a",
		"a refresh token":        conn.Refresh.Reveal(),
		"a code":                 "ac_" + strings.Repeat("A", 43),
		"a registration token":   "rat_" + strings.Repeat("A", 43),
		"alg none":               unsigned,
		"alg none, no signature": unsigned[:strings.LastIndex(unsigned, ".")+1],
		"HMAC":                   header(`{"alg":"HS256","typ":"at+jwt","kid":"` + f.ring.KIDs()[0] + `"}`),
		"embedded key": header(`{"alg":"ES256","typ":"at+jwt","jwk":{"kty":"EC"},"kid":"` + f.ring.KIDs()[0] +
			`"}`),
		"unknown crit": header(`{"alg":"ES256","typ":"at+jwt","crit":["x"],"x":1,"kid":"` + f.ring.KIDs()[0] +
			`"}`),
		"kid is a path":     header(`{"alg":"ES256","typ":"at+jwt","kid":"../../etc/passwd"}`),
		"changed signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"another typ":       sign("JWT", claims()),
		"several audiences": sign(accesstoken.Type,
			with("aud", []string{issuer + "/mcp", "https://other.example.com"})),
		"exp zero":               sign(accesstoken.Type, with("exp", 0)),
		"issued ahead":           sign(accesstoken.Type, with("iat", f.Clock.Now().Add(time.Hour).Unix())),
		"huge":                   conn.token + strings.Repeat("A", 20<<10),
		"expired":                sign(accesstoken.Type, with("exp", f.Clock.Now().Unix())),
		"unknown grant":          f.issue(t, g, func(c *accesstoken.Claims) { c.GrantID = "unknown" }),
		"another person's grant": f.issue(t, g, func(c *accesstoken.Claims) { c.Subject = "development:mallory" }),
		"another client's grant": f.issue(t, g, func(c *accesstoken.Claims) { c.ClientID = "c_mallory" }),
	}
	for _, name := range []string{"iss", "sub", "aud", "client_id", "grant", "jti", "iat", "exp"} {
		cases["without "+name] = sign(accesstoken.Type, claims(name))
	}
	for name, token := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mustCode(t, h, request(t.Context(), token, listTools), http.StatusUnauthorized)
			if c := challengeOf(t, w.Header()); !strings.Contains(c, `error="invalid_token"`) {
				t.Errorf("challenge: got %s, want invalid_token (CHL-05)", c)
			}
		})
	}
	mustCode(t, h, request(t.Context(), sign(accesstoken.Type, claims()), listTools), http.StatusOK)
}

// A token counts in one Authorization header, or in the gateway's where that is trusted, and
// nowhere else (AT-08, AT-11, AT-12, AT-13, ATK-05, ATK-06, CHL-11).
func TestTokenIsReadFromOneBearerHeaderAlone(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	token := f.connect(t, "octocat", "Client", nil).token
	other := f.issue(t, f.connect(t, "mona", "Client", nil).Grant)
	cases := []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"lower case", func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }, 200},
		{"upper case", func(r *http.Request) { r.Header.Set("Authorization", "BEARER "+token) }, 200},
		{"two headers", func(r *http.Request) {
			r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + other}
		}, 400},
		{"a list", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+", Bearer "+other) }, 400},
		{"two words", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+" "+other) }, 400},
		{"header and query", func(r *http.Request) { r.URL.RawQuery = "access_token=" + token }, 400},
		{"query alone", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "access_token=" + token
		}, 401},
		{"cookie alone", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.AddCookie(&http.Cookie{Name: "access_token", Value: token})
		}, 401},
		{"quotes", func(r *http.Request) { r.Header.Set("Authorization", `Bearer "`+token+`"`) }, 400},
		{"Basic", func(r *http.Request) { r.SetBasicAuth("octocat", token) }, 401},
		{"forwarded, not trusted", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("X-Forwarded-Authorization", "Bearer "+token)
		}, 401},
		{"the gateway's word", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("X-Apigateway-Api-Userinfo", "e30")
			r.Header.Set("X-Endpoint-Api-Userinfo", "e30")
		}, 401},
	}
	h := f.open(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := request(t.Context(), token, whoAmI)
			c.change(r)
			mustCode(t, h, r, c.want)
		})
	}
	trusting := &endpoint{Config: f.Config}
	trusting.Edge.TrustForwardedAuthorization = true
	gateway := trusting.open(t)
	r := request(t.Context(), "the-gateway-s-own", whoAmI, "X-Forwarded-Authorization", "Bearer "+token)
	r.Host = "mcp-abc-uc.a.run.app"
	if got := structured[WhoAmI](t, answerOf(t, mustCode(t, gateway, r, 200).Body)); got.Login != "octocat" {
		t.Errorf("behind a gateway (AT-12): got %s, want octocat", got.Login)
	}
	r = request(t.Context(), token, whoAmI)
	mustCode(t, gateway, r, 401)
}

// Too little scope is 403 and names all that the call needs, in one challenge (CHL-06, CHL-07, E10, MP-07).
func TestScopesAreCheckedPerTool(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serveMore(echo("wipe").Needs("admin", "wipe"))
	h := f.open(t)
	g := f.connect(t, "octocat", "Client", nil).Grant
	token := func(scopes ...string) string {
		return f.issue(t, g, func(c *accesstoken.Claims) { c.Scopes = scopes })
	}
	const wipe = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wipe","arguments":{"text":"x"}}}`
	const escaped = `{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":` +
		`{"name":"w\u0069pe","arguments":{"text":"x"}}}`
	cases := []struct {
		name, token, body string
		want              int
		scope             string
	}{
		{"no scope at all", token(), listTools, 403, "mcp"},
		{"another scope", token("admin", "wipe"), wipe, 403, "mcp"},
		{"one of two", token("mcp", "admin"), wipe, 403, "mcp admin wipe"},
		{"escaped in JSON", token("mcp"), escaped, 403, "mcp admin wipe"},
		{"in a batch", token("mcp"), "[" + listTools + "," + strings.Replace(wipe, `"id":1`, `"id":2`, 1) + "]", 403,
			"mcp admin wipe"},
		{"all of them", token("mcp", "admin", "wipe"), wipe, 200, ""},
		{"another tool", token("mcp"), whoAmI, 200, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { // one by one: the clock moves at the end
			w := mustCode(t, h, request(t.Context(), c.token, c.body), c.want)
			if c.want == 200 {
				return
			}
			got := challengeOf(t, w.Header())
			if !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="`+c.scope+`"`) {
				t.Errorf("challenge: got %s, want insufficient_scope with %q", got, c.scope)
			}
		})
	}
	// An expired token is invalid first, whatever it lacks (E10).
	expired := token()
	f.Clock.Advance(2 * time.Hour)
	mustCode(t, h, request(t.Context(), expired, wipe), 401)
}

// A revocation is in force within the bound, and at once with a bound of 0 (RFC 7009 §2.1).
func TestRevokedGrantIsRefusedWithinTheBound(t *testing.T) {
	t.Parallel()
	for _, bound := range []time.Duration{0, 30 * time.Second} {
		t.Run(bound.String(), func(t *testing.T) {
			t.Parallel()
			f := newEndpoint(t)
			f.RevocationMaxAge = bound
			h := f.open(t)
			conn := f.connect(t, "octocat", "Client", nil)
			mustCode(t, h, request(t.Context(), conn.token, listTools), 200)
			must(t, f.Store.RevokeGrant(t.Context(), conn.Grant.ID, "test", nil))
			if bound > 0 {
				f.Clock.Advance(bound - time.Nanosecond)
				mustCode(t, h, request(t.Context(), conn.token, listTools), 200)
				f.Clock.Advance(time.Nanosecond)
			}
			w := mustCode(t, h, request(t.Context(), conn.token, listTools), 401)
			if c := challengeOf(t, w.Header()); !strings.Contains(c, `error="invalid_token"`) {
				t.Errorf("challenge: got %s, want invalid_token", c)
			}
		})
	}
}

func TestDeletedClientAndOverdueGrantAreRefused(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	deleted, overdue := f.connect(t, "octocat", "Client", nil), f.connect(t, "octocat", "Client", nil)
	must(t, f.Store.DeleteClient(t.Context(), deleted.Grant.ClientID, nil))
	mustCode(t, h, request(t.Context(), deleted.token, listTools), 401)

	f.Clock.Advance(overdue.Grant.Expiry.Sub(f.Clock.Now()) - time.Second)
	token := f.issue(t, overdue.Grant)
	mustCode(t, h, request(t.Context(), token, listTools), 200)
	f.Clock.Advance(time.Second) // well within the bound
	mustCode(t, h, request(t.Context(), token, listTools), 401)
}

// What could not be looked up is 503 and no verdict; what was looked up goes on within the bound
// (AT-10).
func TestStoreOutageIsNoVerdict(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	known, unknown := f.connect(t, "octocat", "Client", nil), f.connect(t, "mona", "Client", nil)
	mustCode(t, h, request(t.Context(), known.token, listTools), 200)
	f.Faults.Before(fixture.Down(memory.OpGet))
	mustCode(t, h, request(t.Context(), known.token, listTools), 200)
	w := mustCode(t, h, request(t.Context(), unknown.token, listTools), 503)
	if w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("outage: got %v, want Retry-After and no challenge", w.Header())
	}
	f.Clock.Advance(f.RevocationMaxAge)
	mustCode(t, h, request(t.Context(), known.token, listTools), 503)
	f.Faults.Before(nil)
	mustCode(t, h, request(t.Context(), known.token, listTools), 200)
}

func TestUnreadableKeysAreNoVerdict(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	token := f.connect(t, "octocat", "Client", nil).token
	o := &keyfile.Options{Log: slog.New(slog.DiscardHandler)}
	keys := keyfile.New(t.TempDir()+"/none", signing.ParseKeySet, o)
	f.Verifier = &accesstoken.Verifier{Keys: keys, Now: f.Clock.Now}
	mustCode(t, f.open(t), request(t.Context(), token, listTools), 503)
}

// A person let in by a rule that is gone has to go through the token endpoint, and a token from
// there works at once (UP-10).
func TestPersonOfARuleThatIsGoneMustRefresh(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	conn := f.connect(t, "octocat", "Client", nil)
	mustCode(t, f.open(t), request(t.Context(), conn.token, listTools), 200)
	var err error
	f.Allow, err = upstream.ParseAllow("user:mona,org:acme")
	must(t, err)
	h := f.open(t)
	w := mustCode(t, h, request(t.Context(), conn.token, listTools), 401)
	if c := challengeOf(t, w.Header()); !strings.Contains(c, `error="invalid_token"`) {
		t.Errorf("challenge: got %s, want invalid_token", c)
	}
	f.Clock.Advance(time.Second)
	red, err := f.Store.Rotate(t.Context(), conn.Refresh, conn.Grant.ClientID, checkedBy("org:acme"))
	must(t, err)
	mustCode(t, h, request(t.Context(), f.issue(t, red.Grant), listTools), 200)
	mustCode(t, h, request(t.Context(), conn.token, listTools), 200) // the grant is what counts
}

// Cost budget: /mcp, warm, is 0 reads and 0 commits; many at once share one look.
func TestWarmCallReadsNothing(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	f.Cost.Take()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { mustCodeAsync(t, h, conn.token) })
	}
	wg.Wait()
	// One look is two reads, grant and client. A few callers may come too late to
	// share it and too early to find it.
	if got := f.Cost.Take(); got.Reads > 100 || got.Commits != 0 {
		t.Errorf("50 cold calls at once: got %+v, want no more than a look each", got)
	}
	for _, body := range []string{listTools, whoAmI, initialize} {
		mustCode(t, h, request(t.Context(), conn.token, body), 200)
	}
	mustCode(t, h, request(t.Context(), f.issue(t, conn.Grant), whoAmI), 200) // another token of the grant
	if got := f.Cost.Take(); got != (memory.Cost{}) {
		t.Errorf("warm calls: got %+v, want nothing", got)
	}
}

func mustCodeAsync(t *testing.T, h http.Handler, token string) {
	if w := do(h, request(t.Context(), token, listTools)); w.Code != 200 {
		t.Errorf("got %d %s, want 200", w.Code, w.Body)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := newEndpoint(t).Config
	for name, remove := range map[string]func(*Config){
		"Verifier":         func(c *Config) { c.Verifier = nil },
		"Store":            func(c *Config) { c.Store = nil },
		"Provider":         func(c *Config) { c.Provider = nil },
		"Allow":            func(c *Config) { c.Allow = upstream.Allow{} },
		"RevocationMaxAge": func(c *Config) { c.RevocationMaxAge = -1 },
	} {
		c := whole
		remove(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New without %s: got %v, want an error that names it", name, err)
		}
	}
	if got := (oauth.ScopeSet{}).Default(); !got.Contains(oauth.ScopeMCP) {
		t.Errorf("scopes that are granted: got %v, want mcp among them", got)
	}
}
