package signing

import (
	"crypto/sha256"

	"github.com/postern-dev/postern/shared/recent"
)

// generation is how many tokens one half of a [memory] holds. A payload is a few
// hundred bytes, so the whole stays below a megabyte or two.
const generation = 1024

// A memory holds the payloads of tokens that were verified. Checking an ES256
// signature costs more than the rest of a warm /mcp call, and clients send the
// same token for an hour. Whether a set's keys signed a token never changes,
// so an entry never goes stale; it is dropped to bound the size. Only what
// verified is remembered, so strangers cannot fill it.
type memory = recent.Cache[name, string]

// A name stands for a token of a typ. It is a hash, so that no token is kept.
type name [sha256.Size]byte

func nameOf(typ, token string) name {
	var few [1 << 10]byte // more than most tokens have
	text := append(few[:0], typ...)
	text = append(text, 0) // no typ has one
	return sha256.Sum256(append(text, token...))
}
