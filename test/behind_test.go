package test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/tool"
)

// A behind starts an MCP server at an address, host:port, that has three tools and takes who
// calls from the issuer alone: whoami says the subject, count reports progress three times, wait
// does so once and goes on until it is cancelled. It returns what waits until that call goes on
// ("waiting") or was cancelled.
type behind func(t *testing.T, issuer, address string) (until func(state string) error)

var behinds = map[string]behind{
	"FastMCP": func(t *testing.T, issuer, address string) func(string) error {
		dir, python := rig.Python(t)
		return program(t, python, filepath.Join(dir, "behind.py"), issuer, address, "Uvicorn running")
	},
	"TypeScript SDK": func(t *testing.T, issuer, address string) func(string) error {
		dir := rig.Npm(t, ".")
		return program(t, tool.Node.Need(t), filepath.Join(dir, "behind.mjs"), issuer, address, "listening")
	},
	"Go SDK": goBehind,
}

func program(t *testing.T, path, script, issuer, address, ready string) func(string) error {
	t.Helper()
	_, port, _ := strings.Cut(address, ":")
	p := rig.Launch(t, rig.Command{
		Name: "behind", Path: path, Args: []string{script, issuer, urlBehind(address), port}, Dir: filepath.Dir(script),
	})
	if _, err := p.Says(t.Context(), regexp.MustCompile(ready)); err != nil {
		t.Fatal(err)
	}
	return func(state string) error {
		_, err := p.Says(t.Context(), regexp.MustCompile(`(?m)^`+state+`$`))
		return err
	}
}

func urlBehind(address string) string { return "http://" + address + "/mcp" }

func goBehind(t *testing.T, issuer, address string) func(string) error {
	t.Helper()
	states := map[string]chan bool{"waiting": make(chan bool, 1), "cancelled": make(chan bool, 1)}
	server := mcp.NewServer(&mcp.Implementation{Name: "behind", Version: "1"}, nil)
	add := func(name string, do func(context.Context, *mcp.CallToolRequest) string) {
		mcp.AddTool(server, &mcp.Tool{Name: name},
			func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: do(ctx, r)}}}, nil, nil
			})
	}
	progress := func(ctx context.Context, r *mcp.CallToolRequest, n float64) {
		_ = r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: r.Params.GetProgressToken(), Progress: n,
		})
	}
	add("whoami", func(_ context.Context, r *mcp.CallToolRequest) string { return r.Extra.TokenInfo.UserID })
	add("count", func(ctx context.Context, r *mcp.CallToolRequest) string {
		for n := range 3 {
			progress(ctx, r, float64(n+1))
		}
		return "counted"
	})
	add("wait", func(ctx context.Context, r *mcp.CallToolRequest) string {
		progress(ctx, r, 1)
		states["waiting"] <- true
		<-ctx.Done()
		states["cancelled"] <- true
		return "never"
	})
	add("grow", func(context.Context, *mcp.CallToolRequest) string {
		add("more", func(context.Context, *mcp.CallToolRequest) string { return "more" })
		return "grown"
	})
	v := oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(t.Context(), issuer+oauth.IdentityKeysPath),
		&oidc.Config{ClientID: urlBehind(address), SupportedSigningAlgs: []string{oidc.ES256}})
	verify := func(ctx context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
		token, err := v.Verify(ctx, raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
		}
		return &auth.TokenInfo{UserID: token.Subject, Expiration: token.Expiry}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	one := func(*http.Request) *mcp.Server { return server }
	handler := mcp.NewStreamableHTTPHandler(one, &mcp.StreamableHTTPOptions{PropagateRequestCancellation: true})
	s := &http.Server{Handler: auth.RequireBearerToken(verify, nil)(handler)}
	go s.Serve(l) // returns at Close
	t.Cleanup(func() { s.Close() })
	return func(state string) error {
		select {
		case <-states[state]:
			return nil
		case <-time.After(rig.Patience):
			return errors.New("the call is not " + state)
		}
	}
}

// textOf calls a tool whose result is a text.
func (c *goClient) textOf(ctx context.Context, name string) (string, error) {
	params := &mcp.CallToolParams{Name: name}
	params.SetProgressToken(name)
	result, err := c.session.CallTool(ctx, params)
	if err != nil {
		return "", err
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok || result.IsError {
		return "", fmt.Errorf("%s: got %+v, want a text", name, result.Content[0])
	}
	return text.Text, nil
}

// works signs in through s and uses the server behind: it knows who calls, and its progress
// arrives.
func works(t *testing.T, s *rig.Server) *goClient {
	t.Helper()
	return worksAt(t, s, s.MCP)
}

// worksAt is works for another MCP endpoint of s.
func worksAt(t *testing.T, s *rig.Server, endpoint string) *goClient {
	t.Helper()
	c := connectGoTo(t, s, endpoint, "octocat")
	for name, want := range map[string]string{"whoami": "development:octocat", "count": "counted"} {
		if got, err := c.textOf(t.Context(), name); got != want {
			t.Fatalf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	eventually(t, "progress", func() error {
		if got := c.progress.Load(); got != 3 {
			return fmt.Errorf("got %d notices of progress, want 3", got)
		}
		return nil
	})
	return c
}

// Servers that nobody here wrote stand behind postern dev as they are: they know who calls by
// their own verifiers (MP-17), report progress while a call goes on, and hear of its end.
func TestServersOfOthersStandBehind(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	for name, start := range behinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeport.Addresses(t, 1)[0]
			s := rig.Start(t, rig.Options{Settings: map[string]string{"MCP_UPSTREAM_URL": urlBehind(address)}})
			until := start(t, s.URL, address)
			works(t, s).cancels(t, until, 4)
		})
	}
}

// cancels calls what goes on until it is cancelled: so many notices of progress have arrived by
// then, the server hears of its end, and the client can go on.
func (c *goClient) cancels(t *testing.T, until func(state string) error, notices int32) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := c.textOf(ctx, "wait")
		ended <- err
	}()
	if err := until("waiting"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "progress of a call that goes on", func() error {
		if got := c.progress.Load(); got != notices {
			return fmt.Errorf("got %d notices of progress, want %d", got, notices)
		}
		return nil
	})
	cancel()
	if err := <-ended; err == nil {
		t.Error("the cancelled call: got a result, want none")
	}
	if err := until("cancelled"); err != nil {
		t.Error(err)
	}
	if got, err := c.textOf(t.Context(), "whoami"); got != "development:octocat" {
		t.Errorf("after a cancelled call: got %q, %v", got, err)
	}
}

// A session of the server behind goes through whichever process of a deployment, which keeps
// nothing of it; --upstream says which server that is.
func TestAServerStandsBehindADeployment(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	address := freeport.Addresses(t, 1)[0]
	s := rig.StartEmulated(t, 3, nil, "--upstream", urlBehind(address))
	until := goBehind(t, s.URL, address)
	works(t, s).cancels(t, until, 3) // of what goes on nothing has come through
}
