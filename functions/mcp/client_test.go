package mcp

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
)

// bearing adds a token to every request and remembers the revision.
type bearing struct {
	token    string
	versions atomic.Value // the last Mcp-Protocol-Version that was sent
}

func (b *bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	if v := r.Header.Get("Mcp-Protocol-Version"); v != "" {
		b.versions.Store(v)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The SDK's own client, in the newest revision and in one with a handshake, against a real listener
// (W12, MOD-18).
func TestSDKClientWorksInBothEras(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serveMore(progressing())
	server := httptest.NewServer(f.open(t))
	defer server.Close()
	token := f.connect(t, "octocat", "Client", nil).token
	for _, version := range []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"} {
		t.Run(version, func(t *testing.T) {
			progress := make(chan float64, 8)
			client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
					progress <- r.Params.Progress
				},
			})
			carrier := &bearing{token: token}
			session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
				Endpoint: server.URL + "/mcp", HTTPClient: &http.Client{Transport: carrier}, DisableStandaloneSSE: true,
			}, &sdk.ClientSessionOptions{ProtocolVersion: version})
			must(t, err)
			defer session.Close()
			tools, err := session.ListTools(t.Context(), nil)
			must(t, err)
			if got, want := len(tools.Tools), len(f.Describe(Deps{}).Parts); got != want {
				t.Errorf("tools: got %d, want %d", got, want)
			}
			got, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "whoami"})
			must(t, err)
			if m, ok := got.StructuredContent.(map[string]any); !ok || m["login"] != "octocat" {
				t.Errorf("whoami: got %v, want octocat", got.StructuredContent)
			}
			params := &sdk.CallToolParams{Name: "progressing"}
			params.SetProgressToken("p")
			if _, err = session.CallTool(t.Context(), params); err != nil {
				t.Fatal(err)
			}
			if got := <-progress + <-progress; got != 1 { // 0 of 2 and 1 of 2; the client may see them after the answer
				t.Errorf("progress: got a sum of %v, want 1", got)
			}
			if got := carrier.versions.Load(); got != version {
				t.Errorf("revision: got %v, want %s", got, version)
			}
		})
	}
}

// progressing is a tool that tells how far it is.
func progressing() Part {
	return Raw(func(s *sdk.Server) {
		sdk.AddTool(s, &sdk.Tool{Name: "progressing"},
			func(ctx context.Context, req *sdk.CallToolRequest, _ None) (*sdk.CallToolResult, any, error) {
				if _, ok := CallerOf(req); !ok {
					return nil, nil, Problem("no caller")
				}
				for i := range 2 {
					err := req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{
						ProgressToken: req.Params.GetProgressToken(), Progress: float64(i), Total: 2,
					})
					if err != nil {
						return nil, nil, err
					}
				}
				return nil, nil, nil
			})
	})
}

// Who takes JSON alone gets the result alone, and of several results a list (TRN-05).
func TestAnAnswerInJSONHasNoProgress(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(progressing())
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` +
		`{"name":"progressing","arguments":{},"_meta":{"progressToken":7}}}`
	const want = `{"jsonrpc":"2.0","id":1,"result":{"content":[]}}`
	for body, want := range map[string]string{call: want, "[" + call + "]": "[" + want + "]"} {
		w := mustCode(t, h, request(t.Context(), token, body, "Accept", "application/json"), http.StatusOK)
		got := strings.TrimSpace(w.Body.String())
		if got != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// A body over a mebibyte is refused before the token is looked at (HT-06).
func TestLargeBodyIsRefusedFirst(t *testing.T) {
	t.Parallel()
	h := newEndpoint(t).open(t)
	mustCode(t, h, request(t.Context(), "", strings.Repeat("x", maxBody+1)), http.StatusRequestEntityTooLarge)
}

// The caller leaving stops the tool (MOD-15).
func TestLeavingCallerStopsTheTool(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	began, stopped := make(chan bool), make(chan bool)
	f.serve(NewTool(sdk.Tool{Name: "wait"}, func(ctx context.Context, _ Caller, _ None) (text, error) {
		close(began)
		<-ctx.Done()
		close(stopped)
		return text{}, ctx.Err()
	}))
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	ctx, leave := context.WithCancel(t.Context())
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait","arguments":{},` + modernMeta + `}}`
	go do(h, request(ctx, token, body,
		"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "wait"))
	<-began
	leave()
	<-stopped
}

// A stream ends soon after the grant does, and what feeds it with it, in both eras (MP-12).
func TestStreamEndsWithTheGrant(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) { testStreamEnds(t, version) })
	}
}

func testStreamEnds(t *testing.T, version string) {
	f := newEndpoint(t)
	f.RevocationMaxAge = 0
	began := make(chan bool)
	f.serve(NewTool(sdk.Tool{Name: "wait"}, func(ctx context.Context, _ Caller, _ None) (text, error) {
		Progress(ctx, 1, 2, "half") // which makes a stream of the answer
		close(began)
		<-ctx.Done()
		Progress(ctx, 2, 2, "too late")
		return text{}, ctx.Err()
	}))
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	meta := `"_meta":{"progressToken":1}`
	if version == version20260728 {
		meta = strings.Replace(modernMeta, "{", `{"progressToken":1,`, 1)
	}
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait","arguments":{},` + meta + `}}`
	ended := make(chan bool)
	go func() {
		w := do(h, request(t.Context(), conn.token, body,
			"Mcp-Protocol-Version", version, "Mcp-Method", "tools/call", "Mcp-Name", "wait"))
		if body := w.Body.String(); !strings.Contains(body, "half") || strings.Contains(body, "too late") {
			t.Errorf("got %s, want nothing after the grant", body)
		}
		close(ended)
	}()
	<-began
	must(t, f.Store.RevokeGrant(t.Context(), conn.Grant.ID, "test", nil))
	<-ended // the test's own limit is the alarm
}

func settings(changes map[string]string) func(string) (string, bool) {
	s := map[string]string{
		"ISSUER_URL": "http://127.0.0.1:8085", "STORE": "mcptest:x", "FERNET_KEYS_FILE": "/none/fernet",
		"VERIFICATION_KEYS_FILE": "/none/jwks",
		"IDENTITY_PROVIDER":      "development", "ALLOW": "anyone",
	}
	maps.Copy(s, changes)
	return config.Map(s)
}

var build = Build(driver.Openers{
	"mcptest": func(context.Context, string) (driver.Driver, error) { return memory.New(nil), nil },
})

// A start reads no key and asks nobody; a bad setting is named (RU-21, UP-09).
func TestFunctionStartsFromSettingsAlone(t *testing.T) {
	t.Parallel()
	h, err := boot.Open(t.Context(), "mcp", build, &boot.Env{Lookup: settings(nil), Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r := request(t.Context(), "", listTools)
	r.Host = "127.0.0.1:8085"
	mustCode(t, h, r, http.StatusUnauthorized)
	for name, bad := range map[string]string{
		"ISSUER_URL": "https://auth.example.com/", "STORE": "nothing:x", "ALLOW": "", "REVOCATION_MAX_AGE": "-1s",
		"IDENTITY_PROVIDER": "x",
	} {
		_, err := boot.Open(t.Context(), "mcp", build, &boot.Env{Lookup: settings(map[string]string{name: bad})})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: got %v, want an error that names it", name, bad, err)
		}
	}
	// GitHub without its secret: this function runs other people's tools.
	_, err = boot.Open(t.Context(), "mcp", build, &boot.Env{Lookup: settings(map[string]string{
		"IDENTITY_PROVIDER": "github", "GITHUB_CLIENT_ID": "Iv1.0123456789abcdef",
	})})
	must(t, err)
}
