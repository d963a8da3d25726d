// Package keyfile keeps a ring of keys that lives in a file which changes under
// us: a Secret Manager volume at its latest version, or a file on a developer's disk.
//
// It owns when the file is read. What is in it is for the parse function.
//
//	first Get                    reads; a failure is an error, and the caller answers 503
//	Get, ring younger than 5m    no I/O
//	Get, ring older              one caller reads inside its request, the others get the old ring
//	Refetch                      reads at once, at most once a second
//	read fails or does not parse keeps the old ring, logs keys.reload_failed
//	ring differs                 logs keys.ring_changed
//
// Nothing runs in the background, because between requests a function's
// instance may have no CPU. The one exception is a read that takes longer than
// its caller can wait for: it goes on, and its result is there for the next.
package keyfile
