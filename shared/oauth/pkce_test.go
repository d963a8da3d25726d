package oauth

import (
	"strings"
	"testing"
)

// The example of RFC 7636 appendix B.
const (
	vectorVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	vectorChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// The vector of RFC 7636, appendix B, holds.
func TestVerifierOfTheRFCMatchesItsChallenge(t *testing.T) {
	t.Parallel()
	c, err := ParseChallenge(vectorChallenge, "S256")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(vectorVerifier); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if got := code(t, c.Verify(strings.Replace(vectorVerifier, "d", "e", 1))); got != InvalidGrant {
		t.Errorf("another verifier gives %q, want invalid_grant", got)
	}
	// What "plain" would accept.
	if got := code(t, c.Verify(vectorChallenge)); got != InvalidGrant {
		t.Errorf("the challenge itself gives %q, want invalid_grant", got)
	}
}

// PKCE is required and only S256, in this spelling, is understood (AC-01).
func TestOnlyS256IsUnderstood(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, challenge, method string }{
		{"nothing", "", ""},
		{"no challenge", "", "S256"},
		{"no method", vectorChallenge, ""},
		{"plain", vectorChallenge, "plain"},
		{"lower case", vectorChallenge, "s256"},
		{"space", vectorChallenge, "S256 "},
		{"unknown", vectorChallenge, "S512"},
	} {
		if c, err := ParseChallenge(row.challenge, row.method); code(t, err) != InvalidRequest || c != "" {
			t.Errorf("%s: got %q, %v; want invalid_request", row.name, c, err)
		}
	}
}

// One spelling of a challenge, no other (AC-03).
func TestChallengeIsCanonical(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, challenge string }{
		{"42 characters", vectorChallenge[:42]},
		{"44 characters", vectorChallenge + "A"},
		{"padded", vectorChallenge + "="},
		{"standard alphabet", strings.Replace(vectorChallenge, "-", "+", 1)},
		{"loose trailing bits", vectorChallenge[:42] + "N"},
		{"line break", vectorChallenge + "\n"},
		{"line break inside", vectorChallenge[:20] + "\r\n" + vectorChallenge[20:]},
		{"not base64url", strings.Repeat("~", 43)},
	} {
		if c, err := ParseChallenge(row.challenge, "S256"); code(t, err) != InvalidRequest || c != "" {
			t.Errorf("%s: got %q, %v; want invalid_request", row.name, c, err)
		}
	}
}

// A verifier that is missing proves nothing, nor does one for no challenge (AC-02).
func TestVerifierIsRequiredAndWellFormed(t *testing.T) {
	t.Parallel()
	challenge := Challenge(vectorChallenge)
	for _, row := range []struct {
		name, verifier string
	}{
		{"missing", ""},
		{"42 characters", vectorVerifier[:42]},
		{"129 characters", strings.Repeat("a", 129)},
		{"plus", strings.Replace(vectorVerifier, "-", "+", 1)},
		{"padding", vectorVerifier + "="},
		{"space", vectorVerifier + " "},
		{"line break", vectorVerifier + "\n"},
		{"not ASCII", vectorVerifier + "é"},
		{"NUL", vectorVerifier + "\x00"},
	} {
		if got := code(t, challenge.Verify(row.verifier)); got != InvalidGrant {
			t.Errorf("%s: got %q, want invalid_grant", row.name, got)
		}
	}
	for _, c := range []Challenge{"", "x"} {
		if got := code(t, c.Verify(vectorVerifier)); got != InvalidGrant {
			t.Errorf("challenge %q: got %q, want invalid_grant", c, got)
		}
	}
	for _, verifier := range []string{strings.Repeat("a", 43), strings.Repeat("~", 128), strings.Repeat("-._~", 20)} {
		if !validVerifier(verifier) {
			t.Errorf("%q is refused, want it well formed", verifier)
		}
	}
}
