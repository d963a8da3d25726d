package register

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

func open(t *testing.T, settings map[string]string) error {
	t.Helper()
	env := &boot.Env{Lookup: config.Map(settings), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	_, err := boot.Open(t.Context(), "register", Build(firestoredriver.Openers), env)
	if closing := env.Close(); closing != nil {
		t.Error(closing)
	}
	return err
}

// Starting reads no key file and dials nothing.
func TestFunctionStartsFromSettingsAlone(t *testing.T) {
	t.Parallel()
	err := open(t, map[string]string{
		"ISSUER_URL": "https://auth.example.com", "STORE": "firestore:my-project",
		"FERNET_KEYS_FILE": "no/such/file", "CLIENT_UNUSED_TTL": "24h",
	})
	if err != nil {
		t.Errorf("got %v, want none", err)
	}
}

func TestFunctionNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	err := open(t, map[string]string{
		"ISSUER_URL": "http://auth.example.com", "STORE": "punchcards:x", "CLIENT_UNUSED_TTL": "1ms",
		"REDIRECT_SCHEMES": "javascript",
	})
	for _, name := range []string{"ISSUER_URL", "STORE", "FERNET_KEYS_FILE", "CLIENT_UNUSED_TTL", "REDIRECT_SCHEMES"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want a problem with %s", err, name)
		}
	}
}
