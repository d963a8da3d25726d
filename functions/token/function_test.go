package token

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

func start(t *testing.T, settings map[string]string) error {
	t.Helper()
	env := &boot.Env{Lookup: config.Map(settings), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	_, err := boot.Open(t.Context(), "token", Build(firestoredriver.Openers), env)
	if closing := env.Close(); closing != nil {
		t.Error(closing)
	}
	return err
}

// Starting reads no key file, no secret, and dials nothing.
func TestFunctionStartsFromSettingsAlone(t *testing.T) {
	t.Parallel()
	err := start(t, map[string]string{
		"ISSUER_URL": "https://auth.example.com", "STORE": "firestore:my-project", "FERNET_KEYS_FILE": "no/such/file",
		"IDENTITY_PROVIDER": "github", "GITHUB_CLIENT_ID": "x", "GITHUB_CLIENT_SECRET_FILE": "no/such/file",
		"SIGNING_KEYS_FILE": "no/such/file", "ALLOW": "org:acme",
	})
	if err != nil {
		t.Errorf("got %v, want none", err)
	}
}

// A function that nobody told whom to let in does not start, and the error says what to write, as it
// does for every other bad setting (UP-09, RU-21).
func TestFunctionNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	err := start(t, map[string]string{
		"ISSUER_URL": "https://auth.example.com", "STORE": "punchcards:x", "IDENTITY_PROVIDER": "development",
		"ACCESS_TOKEN_TTL": "1ms", "ALLOW": "",
	})
	for _, name := range []string{
		"STORE", "FERNET_KEYS_FILE", "SIGNING_KEYS_FILE", "ACCESS_TOKEN_TTL", "IDENTITY_PROVIDER", "ALLOW",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want a problem with %s", err, name)
		}
	}
}
