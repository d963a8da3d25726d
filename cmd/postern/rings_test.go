package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A logBook is a log that can be read while it is written.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// taken returns what was logged since the last call.
func (l *logBook) taken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// ask sends a request to a running server, as from this computer.
func ask(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8085"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// A running server whose rings are lost, or replaced by what is not a ring, goes on with those it has and
// says so; it takes up what comes after (SC-09).
func TestRunningServerKeepsItsRings(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		env, err := devEnvironment(data)
		if err != nil {
			t.Fatal(err)
		}
		log := &logBook{}
		env.Lookup = config.Overlay(config.Map(map[string]string{"ISSUER_URL": "http://127.0.0.1:8085"}), env.Lookup)
		env.Log = telemetry.NewLogger(log, nil, "")
		server, _, err := openAll(t.Context(), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer env.Close()
		works := func() (jwks string) {
			t.Helper()
			status, body := ask(t, server, http.MethodPost, "/register", `{"redirect_uris":["http://127.0.0.1/cb"]}`)
			if status != http.StatusCreated {
				t.Errorf("register: got %d %s, want 201", status, body)
			}
			status, body = ask(t, server, http.MethodGet, "/.well-known/jwks.json", "")
			if status != http.StatusOK {
				t.Errorf("jwks: got %d %s, want 200", status, body)
			}
			status, identity := ask(t, server, http.MethodGet, "/.well-known/identity-jwks.json", "")
			if status != http.StatusOK {
				t.Errorf("identity-jwks: got %d %s, want 200", status, identity)
			}
			return body + identity
		}
		before := works()
		rings := map[string][]byte{}
		for _, name := range []string{localkeys.Fernet, localkeys.Signing, localkeys.Verification, localkeys.Identity} {
			file := filepath.Join(data, "keys", name)
			if rings[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		each := func(f func(file string, ring []byte) error) {
			t.Helper()
			for file, ring := range rings {
				if err := f(file, ring); err != nil {
					t.Fatal(err)
				}
			}
			log.taken()
			time.Sleep(6 * time.Minute)
		}
		for what, spoil := range map[string]func(file string, ring []byte) error{
			"lost":      func(file string, _ []byte) error { return os.Remove(file) },
			"malformed": func(file string, _ []byte) error { return os.WriteFile(file, []byte("canary\n"), 0o600) },
			"cut":       func(file string, ring []byte) error { return os.WriteFile(file, ring[:len(ring)/2], 0o600) },
			"empty":     func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		} {
			each(spoil)
			if got := works(); got != before {
				t.Errorf("%s: keys changed from %s to %s", what, before, got)
			}
			lines := log.taken()
			if strings.Count(lines, string(telemetry.KeysReloadFailed)) < 3 || strings.Contains(lines, "canary") {
				t.Errorf("%s: got log %s, want %s of three rings, without what the files hold",
					what, lines, telemetry.KeysReloadFailed)
			}
		}
		each(func(file string, ring []byte) error { return os.WriteFile(file, ring, 0o600) })
		for _, ring := range writingRings {
			if _, _, err := run(t.Context(), "keys", "stage", ring, "--keys", filepath.Join(data, "keys")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(6 * time.Minute)
		if after := works(); strings.Count(after, `"kid"`) != 4 {
			t.Errorf("after a key was staged: got %s, want two keys of each ring", after)
		}
		if lines := log.taken(); strings.Count(lines, string(telemetry.KeysRingChanged)) < 3 {
			t.Errorf("got log %s, want %s of three rings", lines, telemetry.KeysRingChanged)
		}
	})
}
