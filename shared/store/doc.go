// Package store is the memory of the server: clients, codes, grants, people and refusals, with
// all the rules about them. A [driver.Driver] keeps the documents and has none.
//
// Every record is sealed as a whole and bound to its document ([seal.Label]), so a
// reader of the database learns nothing and a writer of it can move nothing. Beside
// the sealed body stand hashes to find records by; they are compared with the record
// when it is opened. Documents are keyed by the SHA-256 of a credential or id.
//
//	collection  key                 index            lives until
//	clients     hash(client id)     –                CLIENT_UNUSED_TTL, or for ever once used
//	codes       hash(code)          client, person, session   the end of the tokens it may have to revoke
//	grants      hash(grant id)      client, person, session   GRANT_TTL after its last refresh
//	people      hash(subject)       –                for ever; the upstream token goes with the last grant
//	refusals    hash(subject)       –                30 days after the last refused sign-in
//
// Expiry is decided here, on read, by the record's own time; the keeper's deletion is
// housekeeping. A fault of the keeper or the keys is returned as it is: only a record
// that was looked up and not found is [ErrNotFound].
package store
