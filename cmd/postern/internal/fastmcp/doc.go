// Package fastmcp reads the registrations that a FastMCP server stored.
//
//	source.go                     which store is meant, which of its collections has clients
//	disk.go, file.go              py-key-value's stores on disk: diskcache, a tree of files
//	redis.go, firestore.go        its stores in Redis and Firestore
//	key.go                        the keys that FastMCP and FernetEncryptionWrapper derive
//	document.go, registration.go  from a stored document to a client
//
// It only ever reads, and what it reads is somebody else's: a document that is no
// registration, or cannot be opened, is one that is skipped with a reason.
package fastmcp
