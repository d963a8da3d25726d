package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager/secretmanagertest"
)

const project = "acme-mcp"

// A place is a backend with what tests do to it behind its back.
type place struct {
	keyring.Backend
	// cut makes the backend unreachable, or reachable again.
	cut func(bool)
}

// places run a test over files and over Secret Manager.
func places(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Run("files", func(t *testing.T) { t.Parallel(); test(t, files(t)) })
	t.Run("Secret Manager", func(t *testing.T) { t.Parallel(); test(t, secrets(t)) })
}

func files(t *testing.T) place {
	dir := filepath.Join(t.TempDir(), "keys")
	return place{keyring.NewFiles(dir), func(cut bool) {
		from, to := dir, dir+".away"
		if !cut {
			from, to = to, from
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}}
}

func secrets(t *testing.T) place {
	server := secretmanagertest.Start(t, project, keyring.Names()...)
	return place{client(t, server), func(cut bool) {
		if !cut {
			server.Fault(nil)
			return
		}
		// Not UNAVAILABLE, which the client tries again until its time is over.
		server.Fault(func(string) error { return status.Error(codes.PermissionDenied, "cut") })
	}}
}

func client(t *testing.T, server *secretmanagertest.Server) *secretmanager.Backend {
	t.Helper()
	local, err := secretmanager.Local(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := secretmanager.New(t.Context(), project, local...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBackendKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		for _, ring := range keyring.Names() {
			if _, err := p.Read(t.Context(), ring); !errors.Is(err, keyring.ErrMissing) {
				t.Fatalf("read %s before it is written: got %v, want ErrMissing", ring, err)
			}
			old := ""
			for _, data := range []string{"one", "two", "three"} {
				if err := p.Write(t.Context(), ring, old, []byte(data)); err != nil {
					t.Fatal(err)
				}
				v, err := p.Read(t.Context(), ring)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(v.Data, []byte(data)) || v.ID == old || v.Since.IsZero() {
					t.Errorf("got %q, version %q since %v; want %q in a version after %q",
						v.Data, v.ID, v.Since, data, old)
				}
				old = v.ID
			}
		}
	})
}

func TestWriteOverAnotherVersionIsAConflict(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		write := func(old, data string) error { return p.Write(t.Context(), keyring.Fernet, old, []byte(data)) }
		if err := write("7", "x"); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("over a version that is not there: got %v, want ErrConflict", err)
		}
		if err := write("", "one"); err != nil {
			t.Fatal(err)
		}
		if err := write("", "x"); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("create twice: got %v, want ErrConflict", err)
		}
		v, err := p.Read(t.Context(), keyring.Fernet)
		if err != nil || string(v.Data) != "one" {
			t.Errorf("got %q, %v; want the first", v.Data, err)
		}
	})
}

// Of operators who write over the same version at once, one wins.
func TestConcurrentWritesHaveOneWinner(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		const operators = 8
		results := make([]error, operators)
		var wg sync.WaitGroup
		for i := range operators {
			wg.Go(func() {
				results[i] = p.Write(context.WithoutCancel(t.Context()), keyring.Fernet, "", []byte{byte('a' + i)})
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range results {
			switch {
			case err == nil && winner >= 0:
				t.Errorf("operators %d and %d both won", winner, i)
			case err == nil:
				winner = i
			case !errors.Is(err, keyring.ErrConflict):
				t.Errorf("operator %d: got %v, want ErrConflict", i, err)
			}
		}
		v, err := p.Read(t.Context(), keyring.Fernet)
		if winner < 0 || err != nil || string(v.Data) != string(rune('a'+winner)) {
			t.Errorf("winner %d, stored %q, %v", winner, v.Data, err)
		}
	})
}
