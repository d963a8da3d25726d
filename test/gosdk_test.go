package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// redirectURI is where clients of these tests want the answer. Nobody listens there:
// the browser stops in front of it.
const redirectURI = rig.RedirectURI

// A goClient is the Go SDK's own client with its OAuth handler.
type goClient struct {
	session  *mcp.ClientSession
	browser  *oauthtest.Browser
	tokens   auth.OAuthHandler // of its sign-in
	logins   atomic.Int32      // how often a person had to sign in
	progress atomic.Int32      // how many notices of progress came
	changes  atomic.Int32      // how many notices of other tools came, which need a stream of their own
}

// connectGo discovers, registers, signs login in and opens a session.
func connectGo(t *testing.T, s *rig.Server, login string) *goClient {
	t.Helper()
	return connectGoTo(t, s, s.MCP, login)
}

// connectGoTo is connectGo for another MCP endpoint of s.
func connectGoTo(t *testing.T, s *rig.Server, endpoint, login string) *goClient {
	t.Helper()
	c, err := dialGo(t.Context(), s, endpoint, login)
	if err != nil {
		t.Fatalf("connect with the Go SDK: %v", err)
	}
	t.Cleanup(func() { c.session.Close() })
	return c
}

func dialGo(ctx context.Context, s *rig.Server, endpoint, login string) (*goClient, error) {
	c := &goClient{browser: s.Browser(redirectURI)}
	metadata := &oauthex.ClientRegistrationMetadata{
		ClientName:              "Go SDK",
		RedirectURIs:            []string{redirectURI},
		GrantTypes:              []string{"authorization_code", "refresh_token"},
		TokenEndpointAuthMethod: "none",
	}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: metadata},
		RequestRefreshToken:             true,
		AuthorizationCodeFetcher:        c.fetcher(login),
		Client:                          &http.Client{Timeout: rig.Patience, Transport: s.Transport()},
	})
	if err != nil {
		return nil, err
	}
	c.tokens = handler
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) {
			c.progress.Add(1)
		},
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { c.changes.Add(1) },
	})
	transport := &mcp.StreamableClientTransport{
		Endpoint: endpoint, OAuthHandler: handler,
		HTTPClient: &http.Client{Timeout: rig.Patience, Transport: s.Transport()},
	}
	if c.session, err = client.Connect(ctx, transport, nil); err != nil {
		return nil, err
	}
	return c, nil
}

// fetcher is the person: it follows the link, approves and signs in.
func (c *goClient) fetcher(login string) auth.AuthorizationCodeFetcher {
	return func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
		c.logins.Add(1)
		back, err := c.browser.Walk(ctx, args.URL, login)
		if err != nil {
			return nil, err
		}
		q := back.Query()
		if e := q.Get("error"); e != "" {
			return nil, fmt.Errorf("authorization: %s: %s", e, q.Get("error_description"))
		}
		return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
	}
}

// identity is what the tool whoami answers.
type identity struct {
	Subject  string   `json:"subject"`
	Login    string   `json:"login"`
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes"`
}

func (c *goClient) whoami(ctx context.Context) (*identity, error) {
	result, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		return nil, err
	}
	if result.IsError {
		return nil, errors.New("whoami: the tool failed")
	}
	data, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return nil, err
	}
	who := new(identity)
	return who, json.Unmarshal(data, who)
}

// eventually tries until done, every 100 ms, or fails with the last error.
func eventually(t *testing.T, what string, done func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := done()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestGoClientSignsInOnceAndRefreshes(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Settings: map[string]string{"ACCESS_TOKEN_TTL": "2s"}})
	c := connectGo(t, s, "octocat")
	first := s.Witness.Refreshes()
	eventually(t, "three refreshes", func() error {
		who, err := c.whoami(t.Context())
		if err != nil {
			t.Fatalf("whoami: %v", err)
		}
		if who.Login != "octocat" {
			t.Fatalf("got login %q, want octocat", who.Login)
		}
		if got := s.Witness.Refreshes() - first; got < 3 {
			return fmt.Errorf("got %d refreshes, want 3", got)
		}
		return nil
	})
	oneLogin(t, s, c)
}

// oneLogin checks that nobody had to register or sign in a second time.
func oneLogin(t *testing.T, s *rig.Server, c *goClient) {
	t.Helper()
	if got := c.logins.Load(); got != 1 {
		t.Errorf("got %d sign-ins, want 1", got)
	}
	if got := s.Witness.Registrations(); got != 1 {
		t.Errorf("got %d registrations, want 1", got)
	}
	if got := s.Witness.Logins(); got != 1 {
		t.Errorf("got %d codes redeemed, want 1", got)
	}
}

func TestGoClientReadsTheProfile(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{Bare: true})
	c := connectGo(t, s, "octocat")
	tools, err := c.session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools.Tools {
		result, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool.Name})
		if err != nil || result.IsError {
			t.Errorf("%s: got %v, %v; want an answer", tool.Name, result, err)
		}
	}
	if len(tools.Tools) < 2 {
		t.Errorf("got %d tools, want whoami and profile", len(tools.Tools))
	}
}
