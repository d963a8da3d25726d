// Package localkeys keeps the four rings as files of one directory, for a server that
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
	Identity     = "identity-keys.json"
)

// A Dir is the directory of the rings.
type Dir string

// Settings returns the settings that name the files.
func (d Dir) Settings() map[string]string {
	return map[string]string{
		"FERNET_KEYS_FILE":       filepath.Join(string(d), Fernet),
		"SIGNING_KEYS_FILE":      filepath.Join(string(d), Signing),
		"VERIFICATION_KEYS_FILE": filepath.Join(string(d), Verification),
		"IDENTITY_KEYS_FILE":     filepath.Join(string(d), Identity),
	}
}

// Ensure makes the rings that are missing and checks those that are there. Several
// processes may do so at once: each file is put in place whole, and the first one stays.
//
// records says that there are records already. Then a missing Fernet ring is not made
// anew: nothing that was sealed could be opened.
func (d Dir) Ensure(records bool) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("make the directory of the keys: %w", err)
	}
	if _, err := os.Stat(d.path(Fernet)); records && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing, and the records beside it were sealed with it: "+
			"put it back, or delete the whole data directory to start afresh", d.path(Fernet))
	}
	if err := d.create(Fernet, fernet.Keyring{fernet.GenerateKey()}.Format()); err != nil {
		return err
	}
	for _, name := range []string{Signing, Identity} {
		if err := d.create(name, signing.Generate().Format()); err != nil {
			return err
		}
	}
	if _, err := read(d, Fernet, fernet.ParseKeyring); err != nil {
		return err
	}
	if _, err := read(d, Identity, signing.ParseRing); err != nil {
		return err
	}
	ring, err := read(d, Signing, signing.ParseRing)
	if err != nil {
		return err
	}
	return d.publish(ring)
}

// publish sees to it that everything the ring signs can be verified. Keys that are
// published and no longer sign stay.
func (d Dir) publish(ring signing.Ring) error {
	if err := d.create(Verification, ring.Public().Format()); err != nil {
		return err
	}
	published, err := read(d, Verification, signing.ParseKeySet)
	if err != nil {
		return err
	}
	for _, kid := range ring.KIDs() {
		if published.Has(kid) {
			continue
		}
		if published, err = published.Add(ring.Public()); err != nil {
			return fmt.Errorf("publish signing keys: %w", err)
		}
		return d.Write(Verification, published.Format())
	}
	return nil
}

func read[T any](d Dir, name string, parse func([]byte) (T, error)) (T, error) {
	var none T
	data, err := os.ReadFile(d.path(name))
	if err != nil {
		return none, fmt.Errorf("read keys: %w", err)
	}
	ring, err := parse(data)
	if err != nil {
		return none, fmt.Errorf("%s is not a ring of keys: %w: "+
			"put it back, or delete the whole data directory to start afresh", d.path(name), err)
	}
	return ring, nil
}

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Write replaces a ring. A reader sees the old file or the new one, never half.
func (d Dir) Write(name string, data []byte) error {
	temporary, err := d.temporary(name, data)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, d.path(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (d Dir) create(name string, data []byte) error {
	path := d.path(name)
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
