package register

import (
	"crypto/rand"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
)

// Prefixes of the values made here, each before 43 base64url characters of 256 random
// bits. An id with such a prefix is not a URL, and so never that of a client that
// describes itself by a document, nor is it anybody's account.
const (
	clientIDPrefix          = "c_"
	clientSecretPrefix      = "cs_"
	registrationTokenPrefix = "rat_"
)

// A registration access token is its prefix, the root, which stays, and after an update
// 43 more characters, which change with every update. The client's id is derived from the
// root: so a token proves whose it was when no record is left to compare it with, and a
// deletion that comes again because its answer was lost is known from a stranger's.

// root returns the part of a registration access token that updates leave alone.
func root(token credential.Secret) string {
	s := strings.TrimPrefix(token.Reveal(), registrationTokenPrefix)
	return s[:min(len(s), credential.HashLen)]
}

// clientID returns the id of the client that a registration access token was made for,
// if it was made here; empty if it cannot have been.
func clientID(token credential.Secret) string {
	key := root(token)
	if len(key) < credential.HashLen {
		return ""
	}
	return clientIDPrefix + credential.Derive([]byte(key), "client id")
}

// madeFor reports whether token is, or was before an update, that of the client id.
func madeFor(id string, token credential.Secret) bool { return credential.Same(clientID(token), id) }

// A seed is what the credentials of one update are derived from, so that the update can
// be answered again. It is kept sealed in the client's record.
type seed []byte

func newSeed() seed {
	s := make(seed, 32)
	rand.Read(s) // never fails (crypto/rand)
	return s
}

// token returns the registration access token that replaces old.
func (s seed) token(old credential.Secret) credential.Secret {
	return credential.Wrap(registrationTokenPrefix + root(old) + credential.Derive(s, "registration access token"))
}

// secret returns the client secret for a client that had none.
func (s seed) secret() credential.Secret {
	return credential.Wrap(clientSecretPrefix + credential.Derive(s, "client secret"))
}
