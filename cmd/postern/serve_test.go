package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/origin"
)

// production sets the settings of a server that could start, but for those given.
func production(t *testing.T, but map[string]string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"ISSUER_URL": "https://auth.example.com", "IDENTITY_PROVIDER": "github", "ALLOW": "user:octocat",
		"GITHUB_CLIENT_ID": "Iv1.0123456789abcdef", "GITHUB_CLIENT_SECRET_FILE": secret,
		"STORE": "", "FERNET_KEYS_FILE": "", "SIGNING_KEYS_FILE": "", "VERIFICATION_KEYS_FILE": "",
		"IDENTITY_KEYS_FILE": "",
		"FORWARDED_FOR_HOPS": "",
	} {
		t.Setenv(name, value)
	}
	for name, value := range but {
		t.Setenv(name, value)
	}
}

// What development allows and production does not, and what is missing, is said at once.
func TestServeListsEveryProblemAtOnce(t *testing.T) {
	production(t, map[string]string{
		"ISSUER_URL": "", "IDENTITY_PROVIDER": "development", "ALLOW": "", "CODE_TTL": "10h", "FORWARDED_FOR_HOPS": "2",
	})
	_, _, err := run(t.Context(), "serve", "--data", t.TempDir(), "--acme-ca", "nowhere.pem")
	if err == nil {
		t.Fatal("it started")
	}
	for _, want := range []string{
		"ISSUER_URL is not set: want the public https origin",
		"IDENTITY_PROVIDER is development: that form believes every name, so postern serve does not have it",
		"ALLOW is not set", `CODE_TTL is "10h"`,
		"FORWARDED_FOR_HOPS is set without --behind-proxy",
		"nowhere.pem",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant it to say %s", err, want)
		}
	}
}

// Each rule of production stops the start by itself.
func TestServeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string
		flags    []string
		want     string
	}{
		"plain http": {
			map[string]string{"ISSUER_URL": "http://127.0.0.1:8085"}, nil, "postern serve wants https",
		},
		"the development sign-in, even where development is": {
			map[string]string{"ISSUER_URL": "https://127.0.0.1:8085", "IDENTITY_PROVIDER": "development"},
			[]string{"--behind-proxy"}, "that form believes every name",
		},
		"no identity provider": {
			map[string]string{"IDENTITY_PROVIDER": ""}, nil, "IDENTITY_PROVIDER is not set",
		},
		"an address, which no authority certifies": {
			map[string]string{"ISSUER_URL": "https://192.0.2.1"}, nil, "certifies names with a dot",
		},
		"a name that is only known here": {
			map[string]string{"ISSUER_URL": "https://intranet"}, nil, "certifies names with a dot",
		},
		"an address that callers could choose": {
			map[string]string{"FORWARDED_FOR_HOPS": "1"}, nil, "callers could choose their address",
		},
		"new keys for records elsewhere": {
			map[string]string{"STORE": "firestore:acme-mcp"}, nil, "fernet-keys is missing: copy the rings",
		},
	} {
		t.Run(name, func(t *testing.T) {
			production(t, c.settings)
			data := t.TempDir()
			args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, c.flags...)
			_, _, err := run(t.Context(), args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want that it says %q", err, c.want)
			}
		})
	}
}

// A proxy that has the certificate and an authority for another contradict each other.
func TestServeBehindAProxyNeedsNoAuthority(t *testing.T) {
	t.Parallel()
	_, _, err := run(t.Context(), "serve", "--behind-proxy", "--acme-ca", "ca.pem")
	if cli.Status(err) != cli.Misuse || !strings.Contains(err.Error(), "the proxy has the certificate") {
		t.Errorf("got %v, want a wrong command line", err)
	}
}

// Keys are made beside the records that they seal, wherever those are, and never where
// records lost theirs.
func TestServeMakesNoKeysForRecordsThatHaveSome(t *testing.T) {
	data, records := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(records, "postern.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	production(t, map[string]string{"STORE": "embedded:" + records})
	o := serveOptions{data: data}
	err := o.makeKeys(localEnvironment(data, nil))
	if err == nil || !strings.Contains(err.Error(), "fernet-keys is missing") {
		t.Errorf("got %v, want that the ring is missing", err)
	}
}

// Plain http leads to the same place of the issuer and nowhere else, whatever Host says. A
// request that is not for people is not repeated.
func TestServeSendsPlainHTTPToTheIssuer(t *testing.T) {
	t.Parallel()
	issuer, err := origin.Parse("https://auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	h := serving{issuer: issuer}.redirect()
	for _, c := range []struct{ method, target, location string }{
		{"GET", "http://auth.example.com/authorize?a=b", "https://auth.example.com/authorize?a=b"},
		{"GET", "http://evil.example/mcp", "https://auth.example.com/mcp"},
		{"GET", "http://auth.example.com//evil.example/", "https://auth.example.com//evil.example/"},
		{"POST", "http://auth.example.com/token", ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.target, nil))
		status := http.StatusPermanentRedirect
		if c.location == "" {
			status = http.StatusForbidden
		}
		if w.Code != status || w.Header().Get("Location") != c.location {
			t.Errorf("%s %s: got %d to %q, want %d to %q",
				c.method, c.target, w.Code, w.Header().Get("Location"), status, c.location)
		}
	}
}
