package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// ChallengeMethodS256 is the only code_challenge_method there is here: "plain" and
// anything unknown is refused (RFC 9700 §2.1.1).
const ChallengeMethodS256 = "S256"

// A Challenge is an S256 code_challenge: 43 base64url characters (RFC 7636 §4.2).
type Challenge string

// ParseChallenge reads code_challenge and code_challenge_method. Both must be
// there; a missing method would mean "plain".
func ParseChallenge(challenge, method string) (Challenge, error) {
	if challenge == "" {
		return "", Refuse(InvalidRequest, "code_challenge is missing: PKCE with S256 is required (RFC 7636)")
	}
	if method != ChallengeMethodS256 {
		return "", Refuse(InvalidRequest, "code_challenge_method must be S256")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(raw) != sha256.Size || len(challenge) != 43 {
		return "", Refuse(InvalidRequest, "code_challenge must be 43 base64url characters without padding")
	}
	return Challenge(challenge), nil
}

// Verify compares a code_verifier with the challenge in constant time
// (RFC 7636 §4.6). An empty challenge matches nothing.
func (c Challenge) Verify(verifier string) error {
	if !validVerifier(verifier) {
		return Refuse(InvalidGrant, "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
	}
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(computed), []byte(c)) != 1 {
		return Refuse(InvalidGrant, "code_verifier does not match the code_challenge")
	}
	return nil
}

// validVerifier checks the grammar of RFC 7636 §4.1.
func validVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}
