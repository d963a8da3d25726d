package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

const greeted = `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},` +
	`"serverInfo":{"name":"wiki","version":"1.2"}}}`

// old is a server of the older revisions: it gives a session, answers by a stream, and keeps
// none for what nobody asked.
func old(w http.ResponseWriter, r *http.Request, method string) {
	switch {
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case method == "initialize":
		w.Header().Set("Mcp-Session-Id", "s")
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: message\ndata: "+greeted+"\n\n")
	default:
		http.Error(w, "no session", http.StatusBadRequest)
	}
}

func answerJSON(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// A server behind is looked at as it is called: told who calls, greeted in its revision, a
// GET that it refuses is no fault, one that it keeps open does not hold us, and its session is
// ended.
func TestAServerBehindIsLookedAtAsItIsCalled(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		serve func(w http.ResponseWriter, r *http.Request, method string)
		want  Seen
		err   string
	}{
		"of an old revision": {old, Seen{Revision: "2025-06-18", Server: "wiki 1.2"}, ""},
		"with streams": {func(w http.ResponseWriter, r *http.Request, method string) {
			if r.Method != http.MethodGet {
				answerJSON(w, greeted)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, Seen{Revision: "2025-06-18", Server: "wiki 1.2", Streams: true}, ""},
		"of the new revision alone": {func(w http.ResponseWriter, r *http.Request, method string) {
			switch {
			case r.Method != http.MethodPost:
				w.WriteHeader(http.StatusMethodNotAllowed)
			case method == "server/discover" && r.Header.Get("Mcp-Protocol-Version") == "2026-07-28":
				answerJSON(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
			default:
				answerJSON(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"unsupported"}}`)
			}
		}, Seen{Revision: "2026-07-28"}, ""},
		"that does not accept us": {func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.WriteHeader(http.StatusUnauthorized)
		}, Seen{}, "does not accept the caller: status 401"},
		"that is another thing": {func(w http.ResponseWriter, _ *http.Request, _ string) {
			_, _ = io.WriteString(w, "<html>")
		}, Seen{}, "did not answer in JSON-RPC"},
		"that knows no greeting": {func(w http.ResponseWriter, _ *http.Request, _ string) {
			answerJSON(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}`)
		}, Seen{}, "the error -32601: no such method"},
		"that streams nonsense": {func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: x\n\n")
		}, Seen{}, "did not answer in JSON-RPC"},
		"whose streams are a fault": {func(w http.ResponseWriter, r *http.Request, _ string) {
			if r.Method != http.MethodPost {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			answerJSON(w, greeted)
		}, Seen{Revision: "2025-06-18", Server: "wiki 1.2"}, "asked for a stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var methods []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var m struct{ Method string }
				body, _ := io.ReadAll(r.Body)
				_ = json.Unmarshal(body, &m)
				methods = append(methods, r.Method)
				if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
					t.Errorf("%s: got %v, want who calls", r.Method, r.Header)
				}
				row.serve(w, r, m.Method)
			}))
			t.Cleanup(server.Close)
			l, e := lookAt(t, server.URL)
			got, err := l.At(t.Context(), e)
			wrong := row.err == "" && err != nil || row.err != "" && !strings.Contains(fmt.Sprint(err), row.err)
			if got != row.want || wrong {
				t.Errorf("got %+v, %v; want %+v, %s", got, err, row.want, row.err)
			}
			if name == "of an old revision" && methods[len(methods)-1] != http.MethodDelete {
				t.Errorf("got %v, want the session ended", methods)
			}
		})
	}
}

func lookAt(t *testing.T, address string) (Looks, Endpoint) {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	e := Endpoint{
		Resource: oauth.Resource{Path: "/mcp/wiki"},
		Upstream: NewUpstream(proxy.New(u, 0), behind.Calling{Identity: behind.JWT}),
	}
	signer := &identity.Signer{Ring: keyfile.Static(signing.Generate())}
	return Looks{Endpoints: []Endpoint{e}, Identity: signer, Issuer: issuer}, e
}

// One that is not there is a fault that says so.
func TestAServerThatIsNotThereIsSaidSo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	l, e := lookAt(t, server.URL)
	if _, err := l.At(t.Context(), e); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v, want that it cannot be reached", err)
	}
}

// The settings of the function say what is looked at, and no other setting is asked for.
func TestTheSettingsSayWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	only := func(values map[string]string) *boot.Env {
		return &boot.Env{Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
	}
	l, err := Behind(only(map[string]string{
		"MCP_UPSTREAM_URL":   "https://docs.example.com/mcp",
		"MCP_UPSTREAMS":      `[{"name":"wiki","url":"https://wiki.example.com"}]`,
		"IDENTITY_KEYS_FILE": "/none", "ISSUER_URL": issuer,
	}))
	if err != nil || len(l.Endpoints) != 2 || l.Endpoints[0].Path != "/mcp" || l.Endpoints[1].Path != "/mcp/wiki" {
		t.Errorf("got %+v, %v; want both servers", l, err)
	}
	if l, err := Behind(only(nil)); err != nil || len(l.Endpoints) != 0 {
		t.Errorf("got %+v, %v; want none", l, err)
	}
	_, err = Behind(only(map[string]string{"MCP_UPSTREAM_URL": "https://docs.example.com/mcp"}))
	for _, want := range []string{"without IDENTITY_KEYS_FILE", "ISSUER_URL is not set"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// One that does not answer is said so, and does not hold us.
func TestAServerThatDoesNotAnswerIsSaidSo(t *testing.T) {
	t.Parallel()
	left := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(left)
	}))
	t.Cleanup(server.Close)
	l, e := lookAt(t, server.URL)
	l.Patience = time.Millisecond * 100
	_, err := l.At(t.Context(), e)
	f, ok := errors.AsType[*proxy.Fault](err)
	if !ok || f.Status != http.StatusGatewayTimeout {
		t.Errorf("got %v, want that it takes too long", err)
	}
	<-left
}
