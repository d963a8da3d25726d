package cascade

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

func start(t *testing.T, settings map[string]string) (func(context.Context, cloudevent.Event) error, error) {
	t.Helper()
	env := &boot.Env{Lookup: config.Map(settings), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	h, err := boot.Open(t.Context(), "cascade", Build(firestoredriver.Openers), env)
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, err
}

func settings() map[string]string {
	return map[string]string{
		"ISSUER_URL": "https://auth.example.com", "STORE": "firestore:my-project/postern",
		"FERNET_KEYS_FILE": "no/such/file", "GITHUB_CLIENT_SECRET_FILE": "no/such/file",
		"IDENTITY_PROVIDER": "github", "GITHUB_CLIENT_ID": "Iv1.0", "ALLOW": "user:octocat",
	}
}

// Starting reads no key file and dials nothing.
func TestFunctionStartsFromSettingsAlone(t *testing.T) {
	t.Parallel()
	h, err := start(t, settings())
	if err != nil {
		t.Fatal(err)
	}
	// An event of the default database is not one of the database postern.
	if err := h(t.Context(), sent(t, changes()["deleted"], nil)); err != nil {
		t.Errorf("got %v, want the event ignored", err)
	}
}

func TestFunctionNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	_, err := start(t, map[string]string{
		"ISSUER_URL": "http://auth.example.com", "STORE": "punchcards:x", "IDENTITY_PROVIDER": "github",
	})
	for _, name := range []string{
		"ISSUER_URL", "STORE", "FERNET_KEYS_FILE", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET_FILE", "ALLOW",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want a problem with %s", err, name)
		}
	}
}

func TestDatabaseOfASetting(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"embedded:.postern": "", "firestore:p": "(default)", "firestore:p/postern": "postern",
	} {
		if got := databaseOf(setting); got != want {
			t.Errorf("%s: got %q, want %q", setting, got, want)
		}
	}
}
