// Package localkeys keeps the three rings as files of one directory, for a server that
// has no Secret Manager. They are made when they are missing.
package localkeys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
)

// File names of the rings.
const (
	Fernet       = "fernet-keys"
	Signing      = "signing-keys.json"
	Verification = "verification-keys.json"
)

// A Dir is the directory of the rings.
type Dir string

// Settings returns the settings that name the files.
func (d Dir) Settings() map[string]string {
	return map[string]string{
		"FERNET_KEYS_FILE":       filepath.Join(string(d), Fernet),
		"SIGNING_KEYS_FILE":      filepath.Join(string(d), Signing),
		"VERIFICATION_KEYS_FILE": filepath.Join(string(d), Verification),
	}
}

// Ensure makes the rings that are missing. Several processes may do so at once: each
// file is put in place whole, and the first one stays.
func (d Dir) Ensure() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("make the directory of the keys: %w", err)
	}
	if err := d.create(Fernet, fernet.Keyring{fernet.GenerateKey()}.Format()); err != nil {
		return err
	}
	if err := d.create(Signing, signing.Generate().Format()); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(string(d), Signing))
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	ring, err := signing.ParseRing(data)
	if err != nil {
		return fmt.Errorf("read %s: %w", Signing, err)
	}
	return d.create(Verification, ring.Public().Format())
}

// Write replaces a ring. A reader sees the old file or the new one, never half.
func (d Dir) Write(name string, data []byte) error {
	temporary, err := d.temporary(name, data)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(string(d), name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (d Dir) create(name string, data []byte) error {
	path := filepath.Join(string(d), name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	temporary, err := d.temporary(name, data)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (d Dir) temporary(name string, data []byte) (string, error) {
	path := filepath.Join(string(d), "."+name+"."+rand.Text())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return path, nil
}
