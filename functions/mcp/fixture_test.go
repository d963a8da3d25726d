package mcp

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const issuer = fixture.Origin

// An endpoint is what the MCP endpoint is made of, over a store in memory.
type endpoint struct {
	Config
	*fixture.Base
	ring signing.Ring
}

func newEndpoint(tb testing.TB) *endpoint {
	tb.Helper()
	f := &endpoint{Base: fixture.New(), ring: signing.Generate()}
	f.Memory.RunOnce()
	issuer, err := origin.Parse(issuer)
	must(tb, err)
	allow, err := upstream.ParseAllow("user:octocat,user:mona")
	must(tb, err)
	f.Config = Config{
		Edge:             edge.Deployment{Issuer: issuer},
		Verifier:         &accesstoken.Verifier{Keys: keyfile.Static(f.ring.Public()), Now: f.Clock.Now},
		Store:            f.Open(tb, store.Lifetimes{RefreshGrace: 2 * time.Minute}),
		Provider:         &upstream.Development{},
		Box:              f.Sealer,
		Allow:            allow,
		RevocationMaxAge: 30 * time.Second,
		Log:              slog.New(slog.DiscardHandler),
		Now:              f.Clock.Now,
	}
	return f
}

var must = fixture.Must

// serve makes the endpoint one with those parts.
func (f *endpoint) serve(parts ...Part) {
	f.Describe = func(Deps) Server { return Server{Name: "test", Version: "1", Parts: parts} }
}

// serveMore makes the endpoint one with the built-in parts and those.
func (f *endpoint) serveMore(parts ...Part) {
	f.Describe = func(d Deps) Server {
		s := Builtin(d)
		s.Parts = append(s.Parts, parts...)
		return s
	}
}

func (f *endpoint) open(tb testing.TB) http.Handler {
	tb.Helper()
	h, err := New(f.Config)
	must(tb, err)
	return h
}

// A connection is what a client has after a login.
type connection struct {
	store.Redemption
	token string
}

// connectTo is connect for the resource at a path, with the scope mcp or those given.
func (f *endpoint) connectTo(tb testing.TB, path string, scopes ...string) connection {
	tb.Helper()
	conn := f.connect(tb, "octocat", "Client", nil, func(c *store.Code) {
		c.Resource = issuer + path
		if len(scopes) > 0 {
			c.Scopes = scopes
		}
	})
	conn.token = f.issue(tb, conn.Grant, func(c *accesstoken.Claims) { c.Audience = issuer + path })
	return conn
}

// connect signs a person in through a client of that name and issues an access token for
// /mcp; change alters what was approved first.
func (f *endpoint) connect(
	tb testing.TB, login, clientName string, upstreamToken []byte, change ...func(*store.Code),
) connection {
	tb.Helper()
	ctx := tb.Context()
	c, err := f.Store.RegisterClient(ctx, store.Client{
		ID: credential.New("c_").Reveal(),
		Metadata: oauth.ClientMetadata{
			ClientName: clientName, RedirectURIs: []string{"http://127.0.0.1/callback"},
			GrantTypes: oauth.SupportedGrantTypes(), TokenEndpointAuthMethod: oauth.AuthMethodNone,
		},
	})
	must(tb, err)
	l := f.Login(c.ID)
	l.UpstreamToken = upstreamToken
	l.Record.Scopes = oauth.Scopes{oauth.ScopeMCP}
	p := &l.Record.Person
	p.Subject, p.Login, p.Name = "development:"+login, login, strings.ToUpper(login)
	l.Record.Person.AllowedBy = "user:octocat"
	for _, c := range change {
		c(&l.Record)
	}
	must(tb, f.Store.IssueCode(ctx, l, fixture.AnyClient))
	red, _, err := f.Store.RedeemCode(ctx, l.Code, "", c, fixture.AnyCode)
	must(tb, err)
	return connection{red, f.issue(tb, red.Grant)}
}

// issue makes an access token of a grant; change alters its claims first.
func (f *endpoint) issue(tb testing.TB, g store.Grant, change ...func(*accesstoken.Claims)) string {
	tb.Helper()
	claims := accesstoken.Claims{
		Issuer: issuer, Subject: g.Person.Subject, Audience: issuer + oauth.MCPPath,
		ClientID: g.ClientID, Scopes: g.Scopes, GrantID: g.ID,
	}
	for _, c := range change {
		c(&claims)
	}
	i := accesstoken.Issuer{Ring: keyfile.Static(f.ring), TTL: time.Hour, Now: f.Clock.Now}
	token, _, err := i.Issue(tb.Context(), claims)
	must(tb, err)
	return token.Reveal()
}

// request makes a POST with the headers that every client sends. An empty token sends
// none.
func request(ctx context.Context, token, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/mcp", strings.NewReader(body))
	r.Host = "auth.example.com"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":` +
		`{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	listTools  = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	whoAmI     = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}`
	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientCapabilities":{}}`
)

// A toolAnswer is the part of an answer to tools/call that tests look at.
type toolAnswer struct {
	ID     json.RawMessage `json:"id"`
	Result struct {
		IsError           bool            `json:"isError"`
		StructuredContent json.RawMessage `json:"structuredContent"`
		Content           []struct{ Text string }
	} `json:"result"`
	Error *struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func answerOf(tb testing.TB, body io.Reader) toolAnswer {
	tb.Helper()
	data, err := io.ReadAll(body)
	must(tb, err)
	var a toolAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		tb.Fatalf("answer %q: %v", data, err)
	}
	return a
}

func structured[T any](tb testing.TB, a toolAnswer) T {
	tb.Helper()
	var v T
	if a.Error != nil || a.Result.IsError {
		tb.Fatalf("tool: got %+v, want a result", a)
	}
	must(tb, json.Unmarshal(a.Result.StructuredContent, &v))
	return v
}

// mustCode sends r and compares the status.
func mustCode(tb testing.TB, h http.Handler, r *http.Request, want int) *httptest.ResponseRecorder {
	tb.Helper()
	w := do(h, r)
	if w.Code != want {
		tb.Fatalf("%s %s: got %d %s, want %d", r.Method, r.URL, w.Code, w.Body, want)
	}
	return w
}
