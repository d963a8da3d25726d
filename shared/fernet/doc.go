// Package fernet reads and writes Fernet tokens (github.com/fernet/spec,
// version 0x80), the format that Python's cryptography package calls Fernet and
// MultiFernet: what one seals, the other opens.
//
// It owns the wire format and the [Keyring]. Where keys come from is for
// keyfile, and what a token may be used for is for seal: Fernet has no
// associated data, so a token alone does not know where it belongs.
//
//	key    base64url(signing key 16 ‖ encryption key 16)             44 characters
//	token  base64url(0x80 ‖ seconds 8 ‖ IV 16 ‖ AES-128-CBC ‖ HMAC-SHA256 32)
//	ring   one key a line; the first writes, all read
//
// Decoding is stricter than in most libraries: a token has exactly one spelling.
// Nothing here judges a token's age. The time in it is the writer's word on when
// it was sealed, and an expiry that matters is kept in the plaintext.
package fernet
