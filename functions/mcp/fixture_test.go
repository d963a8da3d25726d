package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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

const issuer = "https://auth.example.com"

// A fixture is a whole MCP endpoint over memory, with a clock that stands still.
type fixture struct {
	Config
	clock  *clock
	cost   *memory.Counter
	broken atomic.Bool // every read of the store fails
	ring   signing.Ring
}

type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := &fixture{clock: &clock{}, ring: signing.Generate()}
	f.clock.ns.Store(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).UnixNano())
	f.cost = memory.Count(memory.New(&memory.Options{Fault: func(op string, _ driver.Key) error {
		if f.broken.Load() && op == memory.OpGet {
			return errors.New("the store is down")
		}
		return nil
	}}))
	keys, err := fernet.ParseKeyring([]byte(fernet.GenerateKey().Encode()))
	must(tb, err)
	s, err := store.New(f.cost, seal.NewBox(keyfile.Static(keys), nil), store.Lifetimes{RefreshGrace: 2 * time.Minute}, f.clock.now)
	must(tb, err)
	origin, err := origin.Parse(issuer)
	must(tb, err)
	allow, err := upstream.ParseAllow("user:octocat,user:mona")
	must(tb, err)
	f.Config = Config{
		Edge:             edge.Deployment{Issuer: origin},
		Verifier:         &accesstoken.Verifier{Keys: keyfile.Static(f.ring.Public()), Now: f.clock.now},
		Store:            s,
		Provider:         &upstream.Development{},
		Allow:            allow,
		RevocationMaxAge: 30 * time.Second,
		Log:              slog.New(slog.DiscardHandler),
		Now:              f.clock.now,
	}
	return f
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) open(tb testing.TB) http.Handler {
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

// connect signs a person in through a client of that name and issues an access token.
func (f *fixture) connect(tb testing.TB, login, clientName string, upstreamToken []byte) connection {
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
	now := f.clock.now()
	code := credential.New("ac_")
	err = f.Store.IssueCode(ctx, store.Login{Code: code, UpstreamToken: upstreamToken, Until: now.Add(time.Minute), Record: store.Code{
		ClientID: c.ID, Scopes: oauth.SupportedScopes(), Resource: oauth.Resource(issuer), Issued: now, Expiry: now.Add(time.Minute),
		Person: store.Person{Subject: "development:" + login, Login: login, Name: strings.ToUpper(login), AllowedBy: "user:octocat", Checked: now},
	}}, func(store.Client) error { return nil })
	must(tb, err)
	red, _, err := f.Store.RedeemCode(ctx, code, c, func(store.Code) error { return nil })
	must(tb, err)
	return connection{red, f.issue(tb, red.Grant)}
}

// issue makes an access token of a grant; change alters its claims first.
func (f *fixture) issue(tb testing.TB, g store.Grant, change ...func(*accesstoken.Claims)) string {
	tb.Helper()
	claims := accesstoken.Claims{
		Issuer: issuer, Subject: g.Person.Subject, Audience: oauth.Resource(issuer), ClientID: g.ClientID, Scopes: g.Scopes, GrantID: g.ID,
	}
	for _, c := range change {
		c(&claims)
	}
	i := accesstoken.Issuer{Ring: keyfile.Static(f.ring), TTL: time.Hour, Now: f.clock.now}
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
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	listTools  = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	whoAmI     = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}`
	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
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
