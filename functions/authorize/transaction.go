package authorize

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/seal"
)

// A transaction is one authorization request from the page to the callback. It is
// stored nowhere: it travels sealed, in the form until the person decides and in a
// cookie until the browser is back. Everything a later step needs and nobody may see
// before its time is derived from its seed, so a repeated step has the same outcome.
type transaction struct {
	Request request   `json:"r"`
	Seed    []byte    `json:"k"` // 32 random bytes
	Browser string    `json:"b"` // hash of the secret in the browser's cookie
	Issuer  string    `json:"i"`
	Expiry  time.Time `json:"e"`
	Visit   bool      `json:"v,omitempty"` // without a request: see visit.go
}

var errExpired = errors.New("transaction expired")

func newTransaction(r request, issuer string, browser credential.Secret, now time.Time, ttl time.Duration) transaction {
	seed := make([]byte, 32)
	rand.Read(seed)
	return transaction{Request: r, Seed: seed, Browser: browser.Hash(), Issuer: issuer, Expiry: now.Add(ttl)}
}

// id names the transaction's cookies. It says nothing about the seed.
func (t transaction) id() string { return credential.Derive(t.Seed, "id")[:16] }

// state is what the identity provider brings back: the id, when the transaction ends, and
// proof that the person approved. It leaves this server only after that.
func (t transaction) state() string {
	return t.id() + "." + strconv.FormatInt(t.Expiry.Unix(), 36) + "." + credential.Derive(t.Seed, "upstream state")
}

// saysOver reports whether a state says of itself that its transaction has ended. Without the
// transaction nobody can tell whether that is true, so it is good for the choice of words.
func saysOver(state string, now time.Time) bool {
	parts := strings.Split(state, ".")
	if len(parts) != 3 {
		return false
	}
	end, err := strconv.ParseInt(parts[1], 36, 64)
	return err == nil && now.Unix() >= end
}

// verifier is the PKCE code_verifier of the leg to the identity provider.
func (t transaction) verifier() string { return credential.Derive(t.Seed, "upstream verifier") }

// code is the authorization code, if there is going to be one. A second callback of
// the same transaction comes to the same code and finds it issued.
func (t transaction) code() credential.Secret {
	return credential.Wrap("ac_" + credential.Derive(t.Seed, "authorization code"))
}

// What a sealed transaction is for. One kind never opens as the other.
const (
	purposeConsent = "consent"
	purposeSignIn  = "sign-in"
)

func label(purpose string) seal.Label {
	return seal.Label{Purpose: purpose, Collection: "transaction", Document: "-", Field: "all"}
}

func (h *handler) seal(ctx context.Context, purpose string, t transaction) (string, error) {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false) // a state full of "<" would grow sixfold, and a cookie has a limit
	if err := e.Encode(t); err != nil {
		return "", fmt.Errorf("encode transaction: %w", err)
	}
	return h.Box.Seal(ctx, label(purpose), plain.Bytes())
}

// open returns a transaction of this issuer that has not expired; with errExpired, one that
// has. An error that is neither that nor one of seal's verdicts is a failure to look.
func (h *handler) open(ctx context.Context, purpose, sealed, issuer string) (transaction, error) {
	var t transaction
	plain, err := h.Box.Open(ctx, label(purpose), sealed)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(plain, &t); err != nil {
		return t, fmt.Errorf("decode transaction: %w", err)
	}
	if t.Issuer != issuer {
		return t, fmt.Errorf("transaction of another issuer: %w", seal.ErrMisplaced)
	}
	if !h.Now().Before(t.Expiry) {
		return t, errExpired
	}
	return t, nil
}
