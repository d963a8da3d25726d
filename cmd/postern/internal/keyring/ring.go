package keyring

import (
	"slices"

	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
)

// keys are the keys of a ring, of whatever kind. Its methods leave it unchanged.
type keys interface {
	// names returns the names of the keys, the writing one's first.
	names() []string
	// stage returns the ring with a new key at its end, and the key's name.
	stage() (keys, string, error)
	promote(name string) (keys, error)
	retire(name string) (keys, error)
	// format returns secret text, the marks in it.
	format(marks) []byte
}

type fernetKeys struct{ fernet.Keyring }

func (r fernetKeys) names() []string {
	names := make([]string, len(r.Keyring))
	for i, key := range r.Keyring {
		names[i] = key.Fingerprint()
	}
	return names
}

func (r fernetKeys) stage() (keys, string, error) {
	key := fernet.GenerateKey()
	// Keys are named by 32 bits of their hash, and two of one name could not be
	// told apart.
	for slices.Contains(r.names(), key.Fingerprint()) {
		key = fernet.GenerateKey()
	}
	ring, err := r.Stage(key)
	return fernetKeys{ring}, key.Fingerprint(), err
}

func (r fernetKeys) promote(name string) (keys, error) {
	ring, err := r.Promote(name)
	return fernetKeys{ring}, err
}

func (r fernetKeys) retire(name string) (keys, error) {
	ring, err := r.Retire(name)
	return fernetKeys{ring}, err
}

func (r fernetKeys) format(m marks) []byte { return withComment(r.Format(), m) }

type signingKeys struct{ signing.Ring }

func (r signingKeys) names() []string { return r.KIDs() }

func (r signingKeys) stage() (keys, string, error) {
	next := signing.Generate()
	ring, err := r.Stage(next)
	return signingKeys{ring}, next.KIDs()[0], err
}

func (r signingKeys) promote(name string) (keys, error) {
	ring, err := r.Promote(name)
	return signingKeys{ring}, err
}

func (r signingKeys) retire(name string) (keys, error) {
	ring, err := r.Retire(name)
	return signingKeys{ring}, err
}

func (r signingKeys) format(m marks) []byte { return withMember(r.Format(), m) }
