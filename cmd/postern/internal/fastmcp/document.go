package fastmcp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/postern-dev/postern/shared/fernet"
)

// Why a document cannot be brought over.
var (
	errNotClient  = errors.New("is not the registration of a client")
	errDamaged    = errors.New("is sealed, and damaged")
	errOtherKey   = errors.New("is sealed with another key, or was changed")
	errNoKey      = errors.New("is sealed, and there is no key")
	errExpired    = errors.New("has expired")
	errOtherPlace = errors.New("is filed under another client's id")
)

// maxLayers is how many times a registration may be wrapped: py-key-value's entry, the
// encryption, and the text in which some stores keep an object.
const maxLayers = 5

// opened returns the registration inside a document, and whether it was sealed.
func (d document) opened(ring fernet.Keyring, now time.Time) (registration []byte, sealed bool, err error) {
	if !d.expires.IsZero() && !now.Before(d.expires) {
		return nil, false, errExpired
	}
	body := d.body
	for range maxLayers {
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		var l layer
		if json.Unmarshal(body, &l) != nil {
			return nil, sealed, errNotClient
		}
		switch {
		case !l.Expires.IsZero() && !now.Before(l.Expires):
			return nil, sealed, errExpired
		case l.Sealed != nil:
			sealed = true
			if body, err = unseal(*l.Sealed, ring); err != nil {
				return nil, sealed, err
			}
		case l.RedirectURIs != nil:
			return body, sealed, nil
		case l.inner() != nil:
			body = l.inner()
		default:
			return nil, sealed, errNotClient
		}
	}
	return nil, sealed, errNotClient
}

// A layer is what a document or a part of it may be: py-key-value's entry with a value, a
// value that FernetEncryptionWrapper sealed, a registration, or an object in which a
// hand-written store keeps one.
type layer struct {
	Sealed       *string         `json:"__encrypted_data__"`
	RedirectURIs json.RawMessage `json:"redirect_uris"`
	Value        json.RawMessage `json:"value"`
	Data         json.RawMessage `json:"data"`
	Expires      time.Time       `json:"expires_at"`
}

func (l layer) inner() []byte {
	if l.Value != nil {
		return l.Value
	}
	return l.Data
}

// unseal opens what FernetEncryptionWrapper wrote: a Fernet token in base64.
func unseal(text string, ring fernet.Keyring) ([]byte, error) {
	token, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errDamaged
	}
	if len(ring) == 0 {
		return nil, errNoKey
	}
	plain, _, err := ring.Decrypt(string(bytes.TrimSpace(token)))
	switch {
	case errors.Is(err, fernet.ErrMalformed):
		return nil, errDamaged
	case err != nil:
		return nil, errOtherKey
	}
	return plain, nil
}
