package test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A publisher is where a client describes itself: https on this machine, under a
// certificate that only who reads authority takes for one.
type publisher struct {
	*httptest.Server
	id        string
	authority string // a file
	fetches   atomic.Int32
}

func publish(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{authority: filepath.Join(t.TempDir(), "authority.pem")}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		w.Header().Set("Content-Type", "application/json")
		// As Claude Code has it: without a port, which the request then has.
		fmt.Fprintf(w, `{"client_id":%q,"client_name":"Go SDK","redirect_uris":["http://127.0.0.1/callback"],`+
			`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],`+
			`"token_endpoint_auth_method":"none"}`, p.id)
	}))
	t.Cleanup(p.Close)
	p.id = p.URL + "/oauth/client.json"
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	if err := os.WriteFile(p.authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// The Go SDK finds that its document is taken, registers nowhere, and goes on over refreshes, the
// end of the document's host, and of the server (G8, SF-15).
func TestGoClientSignsInByItsMetadataDocument(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	p := publish(t)
	s := rig.Start(t, rig.Options{Settings: map[string]string{"ACCESS_TOKEN_TTL": "2s", "SSL_CERT_FILE": p.authority}})
	const callback = "http://127.0.0.1:49152/callback"
	c := &goClient{browser: s.Browser(callback)}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		ClientIDMetadataDocumentConfig: &auth.ClientIDMetadataDocumentConfig{URL: p.id},
		RedirectURL:                    callback,
		RequestRefreshToken:            true,
		AuthorizationCodeFetcher:       c.fetcher("octocat"),
		Client:                         &http.Client{Timeout: rig.Patience, Transport: s.Transport()},
	})
	if err != nil {
		t.Fatal(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	transport := &mcp.StreamableClientTransport{
		Endpoint: s.MCP, OAuthHandler: handler,
		HTTPClient: &http.Client{Timeout: rig.Patience, Transport: s.Transport()},
	}
	if c.session, err = client.Connect(t.Context(), transport, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.session.Close() })
	p.Close()
	s.Kill()
	s.Restart()
	first := s.Witness.Refreshes()
	eventually(t, "two refreshes", func() error {
		who, err := c.whoami(t.Context())
		if err != nil {
			t.Fatalf("whoami: %v", err)
		}
		if who.Login != "octocat" || who.ClientID != p.id {
			t.Fatalf("got %+v, want octocat by %s", who, p.id)
		}
		if got := s.Witness.Refreshes() - first; got < 2 {
			return fmt.Errorf("got %d refreshes, want 2", got)
		}
		return nil
	})
	if got := c.logins.Load(); got != 1 {
		t.Errorf("got %d sign-ins, want 1", got)
	}
	if got := s.Witness.Registrations(); got != 0 {
		t.Errorf("got %d registrations, want none", got)
	}
	if got := p.fetches.Load(); got != 1 {
		t.Errorf("got %d fetches of the document, want 1", got)
	}
}
