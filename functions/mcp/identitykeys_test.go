package mcp

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

func getKeys(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Host = "auth.example.com"
	return do(h, r)
}

// Whoever checks what comes from us gets the public keys without a token, to keep for five
// minutes, from any origin; they are those of the identity ring alone (SC-06).
func TestIdentityKeysArePublished(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	ring := signing.Generate()
	f.Identity = &identity.Signer{Ring: keyfile.Static(ring)}
	h := f.open(t)
	w := getKeys(t, h, http.MethodGet, oauth.IdentityKeysPath)
	if got, want := w.Body.String(), string(ring.Public().Format()); w.Code != http.StatusOK || got != want {
		t.Errorf("got %d %s, want %s", w.Code, got, want)
	}
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=300", "Content-Type": "application/json", "Access-Control-Allow-Origin": "*",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if w.Header().Get("Etag") == "" {
		t.Error("no Etag by which a copy is compared")
	}
	for method, want := range map[string]int{
		http.MethodHead: http.StatusOK, http.MethodOptions: http.StatusNoContent,
		http.MethodPost: http.StatusMethodNotAllowed,
	} {
		if w := getKeys(t, h, method, oauth.IdentityKeysPath); w.Code != want {
			t.Errorf("%s: got %d, want %d", method, w.Code, want)
		}
	}
	if w := getKeys(t, h, http.MethodGet, oauth.MCPPath); w.Code != http.StatusUnauthorized {
		t.Errorf("/mcp beside it: got %d, want 401", w.Code)
	}
}

// Without a ring nothing is published.
func TestWithoutARingNoIdentityKeysArePublished(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	if w := getKeys(t, f.open(t), http.MethodGet, oauth.IdentityKeysPath); w.Code != http.StatusNotFound {
		t.Errorf("got %d %s, want 404", w.Code, w.Body)
	}
}

// A ring that cannot be read is a fault of this document alone: tools without an upstream go
// on (SC-09).
func TestUnreadableIdentityRingIsAFaultOfItsDocumentAlone(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Identity = &identity.Signer{Ring: keyfile.New(filepath.Join(t.TempDir(), "none"), signing.ParseRing, nil)}
	h := f.open(t)
	w := getKeys(t, h, http.MethodGet, oauth.IdentityKeysPath)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
		w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d, %v; want 503 with Retry-After, not to be kept", w.Code, w.Header())
	}
	mustCode(t, h, request(t.Context(), f.connect(t, "octocat", "Client", nil).token, whoAmI), http.StatusOK)
}

// The function reads the ring from the file of its setting, whose absence is no problem
// (RU-21).
func TestIdentityKeysComeFromTheirSetting(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]int{"": http.StatusNotFound, "/none/identity": http.StatusServiceUnavailable} {
		env := &boot.Env{Lookup: settings(map[string]string{"IDENTITY_KEYS_FILE": file})}
		h, err := boot.Open(t.Context(), "mcp", build, env)
		must(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, oauth.IdentityKeysPath, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8085", "127.0.0.1:40000"
		mustCode(t, h, r, want)
	}
}
