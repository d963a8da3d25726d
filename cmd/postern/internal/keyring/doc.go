// Package keyring changes the four rings of keys while servers use them.
//
// It owns the steps, the waits between them and what a ring remembers of both. Where
// the rings are kept is a [Backend]'s: a directory, or Secret Manager. How a server
// reads a ring is package keyfile's.
//
//	ring               a new key is          then first          and at last
//	fernet-keys        staged: reads only    promoted: seals     retired, when nothing is sealed with it
//	signing-keys       staged: published     promoted: signs     retired, when nothing lives that it signed
//	verification-keys  follows signing-keys: a key is published before it signs, and withdrawn after it is retired
//	identity-keys      staged: published     promoted: signs     retired, when nothing lives that it signed
//
// A server may have read a ring up to five minutes ago ([keyfile]), so between two
// steps lies a wait. When each step was done stands in the ring itself, as a comment or
// a member that its readers skip, and so a rotation has no state of its own: whoever
// looks at the rings knows what comes next. That is what makes it safe to interrupt.
//
// No key is ever printed: keys are named by fingerprint (Fernet) or kid (signing).
package keyring
