package localkeys

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
)

var rings = []string{Fernet, Signing, Verification, Identity}

func ensured(t *testing.T) Dir {
	t.Helper()
	d := Dir(filepath.Join(t.TempDir(), "keys"))
	if err := d.Ensure(false); err != nil {
		t.Fatal(err)
	}
	return d
}

func content(t *testing.T, d Dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(string(d), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProcessesThatStartTogetherHaveOneSetOfKeys(t *testing.T) {
	t.Parallel()
	d := Dir(filepath.Join(t.TempDir(), "keys"))
	var starts sync.WaitGroup
	for range 8 {
		starts.Go(func() {
			if err := d.Ensure(false); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	ring, err := read(d, Signing, signing.ParseRing)
	if err != nil {
		t.Fatal(err)
	}
	published, err := read(d, Verification, signing.ParseKeySet)
	if err != nil || !published.Has(ring.KIDs()[0]) {
		t.Errorf("the signing key is not published: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(string(d), ".*")); len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

func TestEnsureKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	d := ensured(t)
	all := func() (files string) {
		for _, name := range rings {
			files += content(t, d, name)
		}
		return files
	}
	before := all()
	if err := d.Ensure(true); err != nil {
		t.Fatal(err)
	}
	if all() != before {
		t.Error("a second start changed the keys")
	}
}

// Nothing sealed could be opened, and every client would look broken (SC-06, M4).
func TestMissingSealingKeysBesideRecordsStopTheStart(t *testing.T) {
	t.Parallel()
	d := ensured(t)
	if err := os.Remove(filepath.Join(string(d), Fernet)); err != nil {
		t.Fatal(err)
	}
	err := d.Ensure(true)
	if err == nil || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}

// A ring that does not parse stops the start and is not quoted (SC-06).
func TestMalformedRingStopsTheStart(t *testing.T) {
	t.Parallel()
	for _, name := range rings {
		for _, bad := range []string{"", "canary-rubbish"} {
			d := ensured(t)
			if err := d.Write(name, []byte(bad)); err != nil {
				t.Fatal(err)
			}
			err := d.Ensure(true)
			if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is %q: got %v, want an error that names the file and quotes nothing", name, bad, err)
			}
		}
	}
}

// Tokens of a new signing key are good at /mcp at once: its public half is published beside
// the old ones.
func TestNewSigningKeyIsPublishedBesideTheOldOnes(t *testing.T) {
	t.Parallel()
	d := ensured(t)
	old, err := read(d, Verification, signing.ParseKeySet)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(string(d), Signing)); err != nil {
		t.Fatal(err)
	}
	if err := d.Ensure(true); err != nil {
		t.Fatal(err)
	}
	ring, err := read(d, Signing, signing.ParseRing)
	if err != nil {
		t.Fatal(err)
	}
	published, err := read(d, Verification, signing.ParseKeySet)
	if err != nil || !published.Has(ring.KIDs()[0]) || !published.Has(old.KIDs()[0]) {
		t.Errorf("published %v, %v, want the new key and the old one", published.KIDs(), err)
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	d := ensured(t)
	if err := d.Write(Fernet, fernet.Keyring{fernet.GenerateKey()}.Format()); err != nil {
		t.Fatal(err)
	}
	for _, name := range rings {
		info, err := os.Stat(filepath.Join(string(d), name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", name, info.Mode(), err)
		}
	}
}
