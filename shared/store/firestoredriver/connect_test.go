package firestoredriver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// source is a function that makes tokens.
type source func() (*oauth2.Token, error)

func (s source) Token() (*oauth2.Token, error) { return s() }

func TestCallsSayWhoCalls(t *testing.T) {
	t.Parallel()
	tokens := source(func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "secret"}, nil })
	for quota, want := range map[string]map[string]string{
		"":        {"authorization": "Bearer secret"},
		"counted": {"authorization": "Bearer secret", "x-goog-user-project": "counted"},
	} {
		got, err := (&account{tokens: tokens, quota: quota}).GetRequestMetadata(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("quota project %q: got %v (-want +got):\n%s", quota, err, diff)
		}
	}
	broken := errors.New("no token today")
	none := &account{tokens: source(func() (*oauth2.Token, error) { return nil, broken })}
	if _, err := none.GetRequestMetadata(t.Context()); !errors.Is(err, broken) {
		t.Errorf("without a token: got %v, want %v", err, broken)
	}
	if !none.RequireTransportSecurity() {
		t.Error("the token goes over a connection that is not encrypted")
	}
}

// Whoever makes tokens may hang longer than a request may take.
func TestACallThatEndsDoesNotWaitForItsToken(t *testing.T) {
	t.Parallel()
	never := make(chan bool)
	defer close(never)
	hanging := &account{tokens: source(func() (*oauth2.Token, error) { <-never; return nil, errors.New("over") })}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hanging.GetRequestMetadata(ctx); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want Canceled", err)
	}
}

// The project that somebody's own calls count for is in the file that gcloud writes.
func TestAPersonsCallsCountForTheirProject(t *testing.T) {
	file := filepath.Join(t.TempDir(), "application_default_credentials.json")
	text := `{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c","quota_project_id":"p"}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	for variable, want := range map[string]string{"": "p", "other": "other"} {
		t.Setenv("GOOGLE_CLOUD_QUOTA_PROJECT", variable)
		got := &account{}
		if err := got.find(); err != nil || got.quota != want || got.tokens == nil {
			t.Errorf("GOOGLE_CLOUD_QUOTA_PROJECT=%q: got %v, %q, want %q and tokens", variable, err, got.quota, want)
		}
	}
}

// Credentials that are not there now may be there the next time.
func TestMissingCredentialsAreLookedForAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	a := &account{}
	if header, err := a.GetRequestMetadata(t.Context()); err == nil {
		t.Errorf("without a file: got %v, want an error that says what lacks", header)
	}
	if err := os.WriteFile(file, []byte(`{"type":"authorized_user","refresh_token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.find(); err != nil {
		t.Errorf("with it: got %v, want no error", err)
	}
}

// Google routes a call by these, and one to a named database does not arrive without them.
func TestCallsNameTheirDatabase(t *testing.T) {
	t.Parallel()
	d := openProject(t, "example.com:my-project/clients-eu")
	got, _ := metadata.FromOutgoingContext(d.outgoing(t.Context()))
	want := metadata.MD{
		"google-cloud-resource-prefix": {"projects/example.com:my-project/databases/clients-eu"},
		"x-goog-request-params":        {"database_id=clients-eu&project_id=example.com%3Amy-project"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
