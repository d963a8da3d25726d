package fastmcp

import (
	"bytes"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/fernet"
)

// What FastMCP (server/auth/jwt_issuer.py, oauth_proxy) and py-key-value
// (wrappers/encryption/fernet.py) derive keys with.
const (
	signingSalt       = "fastmcp-jwt-signing-key"
	storageSalt       = "fastmcp-storage-encryption-key"
	derivedFor        = "Fernet"
	signingIterations = 1_000_000
	wrapperIterations = 1_200_000
)

// Keys returns every key that documents may be sealed with where secret is what the old
// server was given: a Fernet key, its jwt_signing_key (as text or as bytes), the client secret
// of its upstream, from which it derives a jwt_signing_key when it has none, or, with salt,
// the source_material of a FernetEncryptionWrapper. Several Fernet keys, one a line, are a
// MultiFernet's.
func Keys(secret []byte, salt string) (fernet.Keyring, error) {
	secret = bytes.TrimRight(secret, "\r\n")
	if len(secret) == 0 {
		return nil, errors.New("it is empty")
	}
	ring, _ := fernet.ParseKeyring(secret) // or it is no Fernet key
	ways := []func() ([]byte, error){
		func() ([]byte, error) { return stretched(secret, signingSalt, signingIterations) }, // jwt_signing_key: str
		func() ([]byte, error) { return expanded(secret, signingSalt) },                     // upstream_client_secret
		func() ([]byte, error) { return secret, nil },                                       // jwt_signing_key: bytes
	}
	for _, way := range ways {
		signing, err := way()
		if err != nil {
			return nil, fmt.Errorf("derive the key: %w", err)
		}
		storage, err := expanded(signing, storageSalt)
		if err != nil {
			return nil, fmt.Errorf("derive the key: %w", err)
		}
		if ring, err = withKey(ring, storage); err != nil {
			return nil, err
		}
	}
	if salt == "" {
		return ring, nil
	}
	wrapper, err := stretched(secret, salt, wrapperIterations)
	if err != nil {
		return nil, fmt.Errorf("derive the key: %w", err)
	}
	return withKey(ring, wrapper)
}

// withKey adds a derived key to the ring's end.
func withKey(ring fernet.Keyring, encoded []byte) (fernet.Keyring, error) {
	key, err := fernet.ParseKey(string(encoded))
	if err != nil {
		return nil, err
	}
	return append(ring, key), nil
}

// expanded is derive_jwt_key(high_entropy_material=…): HKDF (RFC 5869), as base64url.
func expanded(material []byte, salt string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, material, []byte(salt), derivedFor, 32)
	return encoded(key), err
}

// stretched is derive_jwt_key(low_entropy_material=…), and the wrapper's own derivation:
// PBKDF2 (RFC 8018), as base64url.
func stretched(material []byte, salt string, iterations int) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, string(material), []byte(salt), iterations, 32)
	return encoded(key), err
}

func encoded(key []byte) []byte { return []byte(base64.URLEncoding.EncodeToString(key)) }
