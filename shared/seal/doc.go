// Package seal encrypts what must be read again (upstream tokens, records, the
// state of a sign-in under way) and binds it to its place. Fernet alone has no
// associated data: a valid ciphertext moved to another document would open
// there. So what is sealed says inside where it belongs, and opening it anywhere
// else fails.
//
// It owns the envelope and the [Label]. The cipher is fernet's, the keys come
// from keyfile, and which labels exist is for the sealing package to say.
//
// # Envelope
//
// A sealed string is a Fernet token. Its plaintext is, byte by byte:
//
//	offset  bytes  meaning
//	0       1      schema version, 1
//	1       1      length p of purpose, in bytes, 1 to 255
//	2       p      purpose, UTF-8
//	…       1 + n  collection, the same way; 0 to 255 bytes
//	…       1 + n  document, the same way
//	…       1 + n  field, the same way
//	…       rest   payload, to the end
//
// A label has one encoding, so comparing the first bytes compares the label.
// In Python:
//
//	plain = MultiFernet([Fernet(k) for k in keys]).decrypt(sealed)
//	assert plain[0] == 1
//	at, label = 1, []
//	for _ in range(4):  # purpose, collection, document, field
//	    n = plain[at]
//	    label.append(plain[at + 1 : at + 1 + n].decode())
//	    at += 1 + n
//	payload = plain[at:]
//
// The time inside a Fernet token is when it was sealed and decides nothing: what
// expires says so in its payload.
package seal
