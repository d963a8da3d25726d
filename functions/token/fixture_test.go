package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/memory"
)

const (
	issuer = "https://auth.example.com"

	// The challenge and verifier of RFC 7636 appendix B.
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

	redirectURI = "http://127.0.0.1:49152/callback"
)

// Clients that are registered from the start. The secret of each that has one is its id
// with "cs_" in front and the characters that Basic has to encode behind.
const (
	publicID   = "c_public"
	otherID    = "c_other" // public as well
	basicID    = "c_basic"
	postID     = "c_post"
	codeOnlyID = "c_code_only" // not registered for refresh_token
	serverID   = "c_resource_server"
)

func secretOf(id string) string { return "cs_" + id + " +%:é" }

func basic(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}

// A fixture is the endpoint over a store in memory, with a clock of its own.
type fixture struct {
	http.Handler
	Config
	ring  signing.Ring
	box   *seal.Box
	cost  *memory.Counter
	once  bool         // run transactions once, as costs are counted
	clock atomic.Int64 // nanoseconds since 1970
	log   syncBuffer

	// before and after fail an operation of the store before or after its effect.
	before, after atomic.Pointer[func(op string) error]
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) now() time.Time          { return time.Unix(0, f.clock.Load()) }
func (f *fixture) advance(d time.Duration) { f.clock.Add(int64(d)) }

// open returns the endpoint. change may adjust what it is made of.
func open(tb testing.TB, change func(*fixture)) *fixture {
	tb.Helper()
	f := &fixture{ring: signing.Generate()}
	f.clock.Store(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	origin, err := origin.Parse(issuer)
	must(tb, err)
	allow, err := upstream.ParseAllow("anyone")
	must(tb, err)
	log := slog.New(slog.NewJSONHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.Config = Config{
		Edge:     edge.Deployment{Issuer: origin, Log: log},
		Issuer:   &accesstoken.Issuer{Ring: keyfile.Static(f.ring), TTL: time.Hour, Now: f.now},
		Verifier: &accesstoken.Verifier{Keys: keyfile.Static(f.ring.Public()), Now: f.now},
		Provider: &upstream.Development{}, Allow: allow, MembershipTTL: time.Hour, Log: log, Now: f.now,
	}
	if change != nil {
		change(f)
	}
	f.cost = memory.Count(memory.New(&memory.Options{RunTwice: !f.once, Fault: fault(&f.before), FaultAfter: fault(&f.after)}))
	f.box = seal.NewBox(keyfile.Static(fernet.Keyring{fernet.GenerateKey()}), f.now)
	f.Store, err = store.New(f.cost, f.box, store.Lifetimes{RefreshGrace: 2 * time.Minute}, f.now)
	must(tb, err)
	f.register(tb)
	f.Handler, err = New(f.Config)
	must(tb, err)
	f.cost.Take()
	return f
}

func fault(p *atomic.Pointer[func(string) error]) func(string, driver.Key) error {
	return func(op string, _ driver.Key) error {
		if f := p.Load(); f != nil {
			return (*f)(op)
		}
		return nil
	}
}

// failing makes the operations op of the store fail.
func failing(p *atomic.Pointer[func(string) error], op string) {
	f := func(got string) error {
		if got == op {
			return errors.New("store unreachable")
		}
		return nil
	}
	p.Store(&f)
}

func (f *fixture) register(tb testing.TB) {
	tb.Helper()
	both := oauth.SupportedGrantTypes()
	for _, c := range []store.Client{
		{ID: publicID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: both}},
		{ID: otherID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: both}},
		{ID: codeOnlyID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: []string{oauth.GrantAuthorizationCode}}},
		{ID: basicID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodBasic, GrantTypes: both}},
		{ID: postID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodPost, GrantTypes: both}},
		{ID: serverID, Operator: true, ResourceServer: true, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodBasic, GrantTypes: both}},
	} {
		c.Metadata.RedirectURIs = []string{redirectURI, "https://client.example/cb"}
		if c.Metadata.TokenEndpointAuthMethod != oauth.AuthMethodNone {
			c.SecretHash = credential.Hash(secretOf(c.ID))
		}
		_, err := f.Store.RegisterClient(tb.Context(), c)
		must(tb, err)
	}
}

// A person whom ALLOW=anyone let in.
func octocat(now time.Time) store.Person {
	return store.Person{Subject: "github:583231", Login: "octocat", AllowedBy: "anyone", Checked: now}
}

// issue issues a fixed or, if it is empty, a fresh code to a client.
func (f *fixture) issue(tb testing.TB, clientID, code string, change func(*store.Login)) string {
	tb.Helper()
	now := f.now()
	secret := credential.New("ac_")
	if code != "" {
		secret = credential.Wrap(code)
	}
	l := store.Login{Code: secret, Until: now.Add(10 * time.Minute), Record: store.Code{
		ClientID: clientID, RedirectURI: redirectURI, Challenge: challenge, Scopes: oauth.SupportedScopes(),
		Resource: oauth.Resource(issuer), Person: octocat(now), Issued: now, Expiry: now.Add(time.Minute),
	}}
	if change != nil {
		change(&l)
	}
	must(tb, f.Store.IssueCode(tb.Context(), l, func(store.Client) error { return nil }))
	return secret.Reveal()
}

// post sends a form, names and values; an Authorization header is given as "Authorization".
func (f *fixture) post(tb testing.TB, path string, nameValues ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form, header := url.Values{}, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for i := 0; i < len(nameValues); i += 2 {
		if nameValues[i] == "Authorization" {
			header.Set("Authorization", nameValues[i+1])
			continue
		}
		form.Add(nameValues[i], nameValues[i+1])
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header = header
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// A reply is any body of the endpoint.
type reply struct {
	response
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Active      *bool  `json:"active"`
}

func decode(tb testing.TB, w *httptest.ResponseRecorder) reply {
	tb.Helper()
	var a reply
	if w.Body.Len() > 0 {
		must(tb, json.Unmarshal(w.Body.Bytes(), &a))
	}
	return a
}

// want checks status and error code; the empty code is success.
func want(tb testing.TB, what string, w *httptest.ResponseRecorder, status int, code string) reply {
	tb.Helper()
	a := decode(tb, w)
	if w.Code != status || a.Error != code {
		tb.Errorf("%s: got %d %q (%s), want %d %q", what, w.Code, a.Error, a.Description, status, code)
	}
	return a
}

// credentials returns how a client proves itself, as the names and values of a request.
func credentials(clientID string) []string {
	switch clientID {
	case basicID, serverID:
		return []string{"Authorization", basic(clientID, secretOf(clientID))}
	case postID:
		return []string{"client_id", clientID, "client_secret", secretOf(clientID)}
	}
	return []string{"client_id", clientID}
}

func (f *fixture) redeem(tb testing.TB, clientID, code string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form := append([]string{"grant_type", "authorization_code", "code", code, "code_verifier", verifier}, credentials(clientID)...)
	return f.post(tb, oauth.TokenPath, append(form, more...)...)
}

func (f *fixture) refresh(tb testing.TB, clientID, token string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form := append([]string{"grant_type", "refresh_token", "refresh_token", token}, credentials(clientID)...)
	return f.post(tb, oauth.TokenPath, append(form, more...)...)
}

func (f *fixture) revoke(tb testing.TB, clientID, token string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	return f.post(tb, oauth.RevokePath, append(append([]string{"token", token}, credentials(clientID)...), more...)...)
}

// connect is a whole login of octocat by a client.
func (f *fixture) connect(tb testing.TB, clientID string) reply {
	tb.Helper()
	return want(tb, "connect", f.redeem(tb, clientID, f.issue(tb, clientID, "", nil)), http.StatusOK, "")
}

// lives reports whether an access token's grant lives, as the MCP endpoint would ask.
func (f *fixture) lives(tb testing.TB, access string) bool {
	tb.Helper()
	claims, err := f.Verifier.Verify(tb.Context(), credential.Wrap(access), issuer, oauth.Resource(issuer))
	must(tb, err)
	_, err = f.Store.LiveGrant(tb.Context(), claims.GrantID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		tb.Fatal(err)
	}
	return err == nil
}
