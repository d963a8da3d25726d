// Package mcptest tests an author's server through the real endpoint: a listener on this
// machine, a caller who signed in, an access token, the SDK's client.
//
//	me := mcptest.Start(t, hello.New).SignIn("octocat")
//	var got hello.Greeting
//	me.Call("greet", hello.Arguments{Language: "en"}, &got)
//
// Every part is made and its schemas are checked when the endpoint starts, so a test that
// does no more than that finds a server that would not start.
package mcptest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
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
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

// An Endpoint is a running MCP endpoint with an author's server behind it.
type Endpoint struct {
	// URL is where clients connect, like http://127.0.0.1:40123/mcp.
	URL string

	tb       testing.TB
	store    *store.Store
	ring     signing.Ring
	provider upstream.Provider
	token    []byte // what a sign-in left of the provider
}

// An Option is for [Start].
type Option func(testing.TB, *Endpoint)

// API lets an http.Handler play the identity provider's API, which mcp.Deps.Client asks.
// Requests come with "Authorization: Bearer gho_" and the test's own token.
func API(h http.Handler) Option {
	return func(tb testing.TB, e *Endpoint) {
		tb.Helper()
		api := httptest.NewServer(h)
		tb.Cleanup(api.Close)
		const app = "Iv1.test"
		g, err := upstream.NewGitHub(upstream.GitHubConfig{
			ClientID: app, APIURL: api.URL,
			ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil },
		})
		fixture.Must(tb, err)
		e.provider = g
		e.token, err = upstream.Token{AccessToken: credential.Wrap("gho_" + tb.Name()), ClientID: app}.Marshal()
		fixture.Must(tb, err)
	}
}

// Start serves what describe describes until the test ends. It fails the test if the
// server would not start: by a bad schema, or two parts of one name.
func Start(tb testing.TB, describe func(mcp.Deps) mcp.Server, options ...Option) *Endpoint {
	tb.Helper()
	e := &Endpoint{tb: tb, ring: signing.Generate(), provider: &upstream.Development{}}
	for _, o := range options {
		o(tb, e)
	}
	box := seal.NewBox(keyfile.Static(fernet.Keyring{fernet.GenerateKey()}), nil)
	var err error
	e.store, err = store.New(memory.New(nil), box, store.Lifetimes{}, nil)
	fixture.Must(tb, err)
	allow, err := upstream.ParseAllow("anyone")
	fixture.Must(tb, err)
	server := httptest.NewUnstartedServer(nil)
	issuer, err := origin.Parse("http://" + server.Listener.Addr().String())
	fixture.Must(tb, err)
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server.Config.Handler, err = mcp.New(mcp.Config{
		Edge:     edge.Deployment{Issuer: issuer, Log: log},
		Verifier: &accesstoken.Verifier{Keys: keyfile.Static(e.ring.Public())},
		Store:    e.store, Provider: e.provider, Allow: allow, Box: box, RevocationMaxAge: time.Minute,
		Describe: describe, Check: true, Log: log,
	})
	fixture.Must(tb, err)
	server.Start()
	tb.Cleanup(server.Close)
	e.URL = server.URL + oauth.MCPPath
	return e
}

// A Client is the SDK's client session of somebody who signed in.
type Client struct {
	*sdk.ClientSession
	tb testing.TB
}

// SignIn returns a client of a person. Its token has the scope "mcp" and those given.
func (e *Endpoint) SignIn(login string, scopes ...string) *Client {
	e.tb.Helper()
	return e.Connect(login, nil, scopes...)
}

// Connect is SignIn with options for the SDK's client, such as who answers questions.
func (e *Endpoint) Connect(login string, o *sdk.ClientOptions, scopes ...string) *Client {
	e.tb.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "mcptest", Version: "1"}, o)
	session, err := client.Connect(e.tb.Context(), &sdk.StreamableClientTransport{
		Endpoint: e.URL, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: bearing(e.Token(login, scopes...))},
	}, nil)
	fixture.Must(e.tb, err)
	e.tb.Cleanup(func() { _ = session.Close() })
	return &Client{session, e.tb}
}

// Token returns an access token of a person, for a client of your own.
func (e *Endpoint) Token(login string, scopes ...string) string {
	e.tb.Helper()
	ctx, now := e.tb.Context(), time.Now()
	c, err := e.store.RegisterClient(ctx, fixture.PublicClient(credential.New("c_").Reveal()))
	fixture.Must(e.tb, err)
	issuer := strings.TrimSuffix(e.URL, oauth.MCPPath)
	l := store.Login{
		Code: credential.New("code_"), Until: now.Add(time.Hour), UpstreamToken: e.token,
		Record: store.Code{
			ClientID: c.ID, RedirectURI: c.Metadata.RedirectURIs[0], Challenge: fixture.Challenge,
			Scopes: append(oauth.Scopes{oauth.ScopeMCP}, scopes...), Resource: issuer + oauth.MCPPath,
			Issued: now, Expiry: now.Add(time.Minute),
			Person: store.Person{
				Subject: e.provider.Name() + ":" + login, Login: login, AllowedBy: "anyone", Checked: now,
			},
		},
	}
	fixture.Must(e.tb, e.store.IssueCode(ctx, l, fixture.AnyClient))
	red, _, err := e.store.RedeemCode(ctx, l.Code, "", c, fixture.AnyCode)
	fixture.Must(e.tb, err)
	i := accesstoken.Issuer{Ring: keyfile.Static(e.ring), TTL: time.Hour}
	token, _, err := i.Issue(ctx, accesstoken.Claims{
		Issuer: issuer, Subject: red.Grant.Person.Subject, Audience: issuer + oauth.MCPPath, ClientID: c.ID,
		Scopes: red.Grant.Scopes, GrantID: red.Grant.ID,
	})
	fixture.Must(e.tb, err)
	return token.Reveal()
}

// Call calls a tool and reads its structured result into out, unless that is nil. It fails
// the test if the tool does not answer with a result.
func (c *Client) Call(tool string, arguments, out any) {
	c.tb.Helper()
	res, err := c.CallTool(c.tb.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		c.tb.Fatalf("%s: %v", tool, err)
	}
	if res.IsError {
		c.tb.Fatalf("%s: %s", tool, textOf(res))
	}
	if out == nil {
		return
	}
	data, err := json.Marshal(res.StructuredContent)
	fixture.Must(c.tb, err)
	if err := json.Unmarshal(data, out); err != nil {
		c.tb.Fatalf("%s: %s: %v", tool, data, err)
	}
}

// Problem calls a tool that must fail, and returns what the person reads.
func (c *Client) Problem(tool string, arguments any) string {
	c.tb.Helper()
	res, err := c.CallTool(c.tb.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		c.tb.Fatalf("%s: %v", tool, err)
	}
	if !res.IsError {
		c.tb.Fatalf("%s: got %s, want it to fail", tool, textOf(res))
	}
	return textOf(res)
}

func textOf(res *sdk.CallToolResult) string {
	var all []string
	for _, c := range res.Content {
		if t, ok := c.(*sdk.TextContent); ok {
			all = append(all, t.Text)
		}
	}
	return strings.Join(all, "\n")
}

// bearing adds the token that it is to every request.
type bearing string

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
