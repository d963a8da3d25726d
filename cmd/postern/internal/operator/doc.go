// Package operator is what the operator's commands do with the records of a server,
// beside its running functions: see, add, end, seal again.
//
// It owns opening the store and its ring, what is shown of a record, and the endings
// that reach everything that hangs from it. The rules of records are package store's,
// the rings are package keyring's.
//
// Records are sealed as a whole. Without the ring there are only documents: their ids,
// which are hashes, the hashes they are found by, and how many there are.
package operator
