package wellknown

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/origin"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/test/kit/webtest"
)

func issuer(t *testing.T, s string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// sampleKeys is a public key that stays the same, so that the files can hold it.
func sampleKeys(t testing.TB) signing.KeySet {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := signing.ParseKeySet(data)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func open(t *testing.T, c Config) http.Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sample(t *testing.T) http.Handler {
	ours := edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}
	return open(t, Config{Edge: ours, Keys: keyfile.Static(sampleKeys(t))})
}

func get(t *testing.T, h http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host = "auth.example.com"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// OpenAI reads the operator's text as it stands; where there is none, there is nothing.
func TestTheChallengeOfOpenAIIsTheOperatorsText(t *testing.T) {
	t.Parallel()
	const path = "/.well-known/openai-apps-challenge"
	if w := get(t, sample(t), path); w.Code != http.StatusNotFound {
		t.Errorf("without a text: got %d, want 404", w.Code)
	}
	h := open(t, Config{
		Edge: edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}, Keys: keyfile.Static(sampleKeys(t)),
		OpenAIChallenge: "8t0fMl4QrJ2yXw7v",
	})
	w := get(t, h, path)
	if w.Code != http.StatusOK || w.Body.String() != "8t0fMl4QrJ2yXw7v" ||
		w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %d %q, %v; want the text as text/plain", w.Code, w.Body, w.Header())
	}
	for _, s := range []string{"two words", "line\n", strings.Repeat("x", 513), "é"} {
		if _, err := parseChallenge(s); err == nil {
			t.Errorf("%.20q was taken for a challenge", s)
		}
	}
}

func TestDocumentsOnTheWire(t *testing.T) {
	t.Parallel()
	etag := get(t, sample(t), oauth.ResourceMetadataPath).Header().Get("Etag")
	webtest.Run(t, sample, "testdata", webtest.Options{
		Every:   webtest.API,
		Set:     map[string]string{"etag": etag},
		Replace: []webtest.Replacement{{Name: "etag", Pattern: regexp.MustCompile(`(?m)^Etag: ("[\w-]{43}")$`)}},
	})
}

var documents = map[string][]string{
	"resource": {
		"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource",
		"/mcp/.well-known/oauth-protected-resource",
	},
	"server": {
		"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp",
		"/mcp/.well-known/oauth-authorization-server",
		"/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp",
		"/mcp/.well-known/openid-configuration",
	},
	"keys": {"/.well-known/jwks.json", "/jwks"},
}

func TestEveryVariantOfADocumentHasTheSameBytesAndTag(t *testing.T) {
	t.Parallel()
	h := sample(t)
	for name, paths := range documents {
		first := get(t, h, paths[0])
		for _, path := range paths {
			got := get(t, h, path)
			if got.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), first.Body.Bytes()) ||
				got.Header().Get("Etag") != first.Header().Get("Etag") {
				t.Errorf("%s at %s: got %d %s, want the bytes of %s", name, path, got.Code, got.Body, paths[0])
			}
		}
	}
}

// Members without a value are left out (E11, PRM-10).
func TestNoMemberIsNullOrEmpty(t *testing.T) {
	t.Parallel()
	h := sample(t)
	for _, paths := range documents {
		var members map[string]any
		if err := json.Unmarshal(get(t, h, paths[0]).Body.Bytes(), &members); err != nil {
			t.Fatal(err)
		}
		for name, v := range members {
			switch v := v.(type) {
			case nil:
				t.Errorf("%s: %s is null", paths[0], name)
			case string:
				if v == "" {
					t.Errorf("%s: %s is empty", paths[0], name)
				}
			case []any:
				if len(v) == 0 {
					t.Errorf("%s: %s is empty", paths[0], name)
				}
			}
		}
	}
}

// A rotated ring is another document under another tag, without a restart (MD-06).
func TestRotatedKeysAreServedUnderAnotherTag(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	write := func(set signing.KeySet) {
		if err := os.WriteFile(path, set.Format(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	old, next := signing.Generate().Public(), signing.Generate().Public()
	write(old)
	keys := keyfile.New(path, signing.ParseKeySet, &keyfile.Options{Now: func() time.Time { return now }})
	h := open(t, Config{Edge: edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}, Keys: keys})
	before := get(t, h, "/jwks")
	both, err := old.Add(next)
	if err != nil {
		t.Fatal(err)
	}
	write(both)
	now = now.Add(time.Hour)
	after := get(t, h, "/jwks")
	if got, want := after.Body.String(), string(both.Format()); got != want {
		t.Errorf("keys after rotation: got %s, want %s", got, want)
	}
	if before.Header().Get("Etag") == after.Header().Get("Etag") {
		t.Error("the tag stayed the same over a rotation")
	}
}

// Without keys there is no key set, and everything else goes on.
func TestUnreadableKeysStopTheKeySetAlone(t *testing.T) {
	t.Parallel()
	failing := keyfile.New("keys", signing.ParseKeySet, &keyfile.Options{
		Read: func(string) ([]byte, error) { return nil, errors.New("the volume is gone") },
	})
	h := open(t, Config{Edge: edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}, Keys: failing})
	for _, path := range documents["keys"] {
		w := get(t, h, path)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
			w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %v, want 503 with Retry-After and no-store", path, w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "volume") {
			t.Errorf("%s tells the cause: %s", path, w.Body)
		}
	}
	for _, path := range append(documents["resource"], documents["server"]...) {
		if w := get(t, h, path); w.Code != http.StatusOK {
			t.Errorf("%s: got %d, want 200", path, w.Code)
		}
	}
}

// Without a configured issuer, loopback gets the origin it asked,
// and nobody else gets anything.
func TestUnsetIssuerIsDetectedOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	h := open(t, Config{Keys: keyfile.Static(sampleKeys(t))})
	at := func(peer, host string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr, r.Host = peer, host }
	}
	for _, host := range []string{"127.0.0.1:8085", "localhost:9"} {
		w := get(t, h, oauth.ResourceMetadataPath, at("127.0.0.1:5", host))
		var got oauth.ResourceMetadata
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if want := "http://" + host + "/mcp"; got.Resource != want {
			t.Errorf("resource: got %s, want %s", got.Resource, want)
		}
	}
	for name, f := range map[string]func(*http.Request){
		"another machine":    at("192.0.2.1:5", "127.0.0.1:8085"),
		"a rebound name":     at("127.0.0.1:5", "evil.example.com"),
		"the metadata range": at("127.0.0.1:5", "169.254.169.254"),
	} {
		if w := get(t, h, oauth.ResourceMetadataPath, f); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %d, want 421", name, w.Code)
		}
	}
}

// Documents of clients are offered in every variant, unless they are turned off (ASM-09, G8).
func TestDocumentsAreOfferedUnlessTurnedOff(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]any{"": true, "claude.ai": true, "none": nil} {
		var allow cimd.Allow
		if setting != "" {
			var err error
			if allow, err = cimd.ParseAllow(setting); err != nil {
				t.Fatal(err)
			}
		}
		ours := edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}
		h := open(t, Config{Edge: ours, Keys: keyfile.Static(sampleKeys(t)), Documents: allow})
		for _, path := range documents["server"] {
			var got map[string]any
			if err := json.Unmarshal(get(t, h, path).Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got["client_id_metadata_document_supported"] != want {
				t.Errorf("%q at %s: got %v, want %v", setting, path, got["client_id_metadata_document_supported"], want)
			}
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Keys") {
		t.Errorf("New without keys: got %v, want an error that names Keys", err)
	}
}

// The resource names the least that a client needs, the server what is advertised: some clients
// ask for all that they find (J1).
func TestOnlyAdvertisedScopesAreNamed(t *testing.T) {
	t.Parallel()
	scopes, err := oauth.ParseScopeSet(`[{"name":"write","words":"w","default":true},` +
		`{"name":"export","words":"e","advertised":true},{"name":"admin","words":"a"}]`)
	if err != nil {
		t.Fatal(err)
	}
	ours := edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}
	h := open(t, Config{Edge: ours, Keys: keyfile.Static(sampleKeys(t)), Resources: oauth.NewResources(scopes)})
	for path, want := range map[string]string{
		oauth.ResourceMetadataPath + oauth.MCPPath: `"scopes_supported":["mcp"]`,
		oauth.ServerMetadataPath:                   `"scopes_supported":["mcp","write","export","offline_access"]`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://auth.example.com"+path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
}

// What the operator says of the server is in both documents (RFC 8414 §2, RFC 9728 §2).
func TestMetadataSayWhatTheOperatorSays(t *testing.T) {
	t.Parallel()
	ours := edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}
	said := open(t, Config{Edge: ours, Keys: keyfile.Static(sampleKeys(t)), About: about.Server{
		Name: "Acme Tools", Privacy: "https://example.com/privacy", Terms: "https://example.com/terms",
	}})
	for path, members := range map[string][]string{
		oauth.ResourceMetadataPath: {
			`"resource_name":"Acme Tools"`, `"resource_policy_uri":"https://example.com/privacy"`,
			`"resource_tos_uri":"https://example.com/terms"`,
		},
		oauth.ServerMetadataPath: {
			`"op_policy_uri":"https://example.com/privacy"`, `"op_tos_uri":"https://example.com/terms"`,
		},
	} {
		for _, member := range members {
			if got := get(t, said, path).Body.String(); !strings.Contains(got, member) {
				t.Errorf("%s: %s is not in %s", path, member, got)
			}
		}
		got := get(t, sample(t), path).Body.String()
		if strings.Contains(got, "_policy_uri") || strings.Contains(got, "_tos_uri") {
			t.Errorf("%s: nothing was said, and it has %s", path, got)
		}
	}
}
