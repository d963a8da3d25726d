// Package credential mints, hashes and hides the strings that grant access:
// codes, refresh tokens, client secrets, registration tokens, sealing seeds.
//
// It owns how such a value is made ([New], [Derive]), how it is looked up
// without being stored ([Hash]), how one is compared ([Secret.Equal],
// [Same]), and how it stays out of logs ([Secret]). What a credential means, how
// long it lives and where its hash is kept is for others to say.
//
//	mint      New("cs_")      prefix + 43 base64url characters, 256 random bits
//	remember  s.Hash()        43 characters, the document id
//	accept    Wrap(form)      the presented string, hidden at once
//	check     s.Equal(hash)   constant time
//	hand out  s.Reveal()      the only way to the value
package credential
