package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/credential"
)

const refreshPrefix = "rt_"

// refreshTokenSize is the size of a decoded refresh token: grant id, generation, MAC.
const refreshTokenSize = 32 + 4 + sha256.Size

// A RefreshFamily is the line of refresh tokens of one grant. Only the newest is
// meant to be used; each earlier one can still be recognised as genuine, by the
// family's secret, without keeping a record of it.
type RefreshFamily struct {
	// Secret keys the MAC of every token of the family: 32 random bytes.
	Secret []byte `json:"secret"`
	// Generation is the number of the newest token, from 1.
	Generation uint32 `json:"generation"`
	// Rotated holds when the generations before the newest were rotated, in order.
	// Those out of grace are forgotten, and there are never more than about 32
	// entries, however fast a client refreshes.
	Rotated []Retired `json:"rotated,omitempty"`
}

// Retired are neighbouring generations that were rotated at about the same time.
// Times are microseconds since 1970: the record is read and written with every
// refresh, and they are quick to read and write.
type Retired struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
	From  int64  `json:"from"`  // the rotation of First
	Until int64  `json:"until"` // the rotation of Last
}

// retiredEntries is how many entries a grace is divided into.
const retiredEntries = 32

func newRefreshFamily() *RefreshFamily {
	secret := make([]byte, 32)
	rand.Read(secret)
	return &RefreshFamily{Secret: secret, Generation: 1}
}

// token returns the refresh token of the newest generation. It comes out the same
// each time, so parallel refreshes within the grace all end with one token.
func (f *RefreshFamily) token(grantID string) credential.Secret {
	id, _ := base64.RawURLEncoding.DecodeString(grantID)
	raw := binary.BigEndian.AppendUint32(id, f.Generation)
	return credential.Wrap(refreshPrefix + base64.RawURLEncoding.EncodeToString(append(raw, f.mac(raw)...)))
}

// rotate makes the next generation the newest. Rotations that follow each other
// faster than 32 in a grace share an entry, so that a client that refreshes before
// each request does not make the record grow.
func (f *RefreshFamily) rotate(now time.Time, grace time.Duration) {
	at := now.UnixMicro()
	kept := f.Rotated[:0:0]
	for _, r := range f.Rotated {
		if at-r.Until < grace.Microseconds() {
			kept = append(kept, r)
		}
	}
	n, wide := len(kept), grace.Microseconds()/retiredEntries
	if n > 0 && kept[n-1].Last+1 == f.Generation && at-kept[n-1].From < wide {
		kept[n-1].Last, kept[n-1].Until = f.Generation, max(kept[n-1].Until, at)
	} else {
		kept = append(kept, Retired{First: f.Generation, Last: f.Generation, From: at, Until: at})
	}
	f.Rotated = kept
	f.Generation++
}

// usable reports whether a token of that generation may be exchanged: the newest, earlier
// ones in grace, and one ahead of the record. A token that is ahead and genuine was made
// by a later state of this record, which only this server could make: the record was put
// back. (See forward.)
func (f *RefreshFamily) usable(generation uint32, now time.Time, grace time.Duration) bool {
	return generation >= f.Generation || f.inGrace(generation, now, grace)
}

// forward makes generation the newest if the record is behind it, and returns by how
// many. Those that are passed over were rotated before the record was put back, so none
// of them is in grace: to present one is reuse.
func (f *RefreshFamily) forward(generation uint32) uint32 {
	if generation <= f.Generation {
		return 0
	}
	by := generation - f.Generation
	f.Generation = generation
	return by
}

// inGrace reports whether an earlier generation may still be used: its first
// rotation is less than grace ago. For generations that share an entry it errs
// towards the client, by no more than a 32nd of the grace.
func (f *RefreshFamily) inGrace(generation uint32, now time.Time, grace time.Duration) bool {
	for _, r := range f.Rotated {
		if r.First <= generation && generation <= r.Last {
			return now.UnixMicro()-r.Until < grace.Microseconds()
		}
	}
	return false
}

func (f *RefreshFamily) mac(idAndGeneration []byte) []byte {
	m := hmac.New(sha256.New, f.Secret)
	m.Write([]byte("postern refresh token\x00"))
	m.Write(idAndGeneration)
	return m.Sum(nil)
}

// A refreshToken is a parsed refresh token. Parsing proves nothing; see genuine.
type refreshToken struct {
	grantID    string
	generation uint32
	signed     []byte // grant id and generation
	mac        []byte
}

func parseRefreshToken(s string) (refreshToken, bool) {
	encoded, ok := strings.CutPrefix(s, refreshPrefix)
	if !ok {
		return refreshToken{}, false
	}
	raw, err := credential.Decode(encoded, refreshTokenSize)
	if err != nil {
		return refreshToken{}, false
	}
	return refreshToken{
		grantID:    base64.RawURLEncoding.EncodeToString(raw[:32]),
		generation: binary.BigEndian.Uint32(raw[32:36]),
		signed:     raw[:36],
		mac:        raw[36:],
	}, true
}

// genuine reports whether the family issued t. Nothing is ever revoked for a token
// that is not: its grant id alone is not a secret.
func (t refreshToken) genuine(f *RefreshFamily) bool {
	return f != nil && t.generation > 0 && hmac.Equal(t.mac, f.mac(t.signed))
}
