package keyring

import (
	"errors"
	"testing"
)

// A version that no server could read would stop those that start after it.
func TestUnreadableVersionIsNotWritten(t *testing.T) {
	t.Parallel()
	c := &Store{Backend: NewFiles(t.TempDir())}
	for _, ring := range Names() {
		if err := c.put(t.Context(), ring, "", []byte("{}\n"), ""); err == nil {
			t.Errorf("%s: written", ring)
		}
		if _, err := c.Backend.Read(t.Context(), ring); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: got %v, want no ring", ring, err)
		}
	}
}
