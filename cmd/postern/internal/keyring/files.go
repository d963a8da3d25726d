package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
)

// Files keeps rings as files of a directory, as `postern dev` reads them. A version is
// named by the hash of the file; older versions are not kept.
type Files struct{ dir string }

// NewFiles returns the rings in dir.
func NewFiles(dir string) Files { return Files{dir} }

// fileNames are the names of the rings' files.
var fileNames = map[string]string{
	Fernet: localkeys.Fernet, Signing: localkeys.Signing, Verification: localkeys.Verification,
	Identity: localkeys.Identity,
}

// Path returns the file of a ring.
func (f Files) Path(ring string) string { return filepath.Join(f.dir, fileNames[ring]) }

// String returns the directory.
func (f Files) String() string { return f.dir }

// Read implements [Backend].
func (f Files) Read(_ context.Context, ring string) (Version, error) {
	data, err := os.ReadFile(f.Path(ring))
	if errors.Is(err, fs.ErrNotExist) {
		return Version{}, fmt.Errorf("%s: %w: postern keys create makes it", f.Path(ring), ErrMissing)
	}
	if err != nil {
		return Version{}, err
	}
	info, err := os.Stat(f.Path(ring))
	if err != nil {
		return Version{}, err
	}
	sum := sha256.Sum256(data)
	return Version{ID: hex.EncodeToString(sum[:6]), Since: info.ModTime().UTC(), Data: data}, nil
}

// Write implements [Backend]. A lock beside the files keeps two operators apart; servers
// read without it.
func (f Files) Write(ctx context.Context, ring, old string, data []byte) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(f.dir, ".lock")).Lock()
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer unlock()
	present, err := f.Read(ctx, ring)
	if err != nil && !errors.Is(err, ErrMissing) {
		return err
	}
	if present.ID != old {
		return ErrConflict
	}
	return localkeys.Dir(f.dir).Write(fileNames[ring], data)
}

// Trim implements [Backend]: there is nothing to destroy.
func (f Files) Trim(context.Context, string, int) (int, error) { return 0, nil }
