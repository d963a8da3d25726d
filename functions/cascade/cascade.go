package cascade

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// A Config is what the cascade needs. Store and Provider are required.
type Config struct {
	Store *store.Store

	// Provider ends upstream tokens if it is an [upstream.Revoker]; otherwise they
	// are only forgotten.
	Provider upstream.Provider

	Log *slog.Logger     // nil discards
	Now func() time.Time // nil means time.Now
}

// A Cascade handles changes. It keeps nothing between two of them and is safe for
// concurrent use.
type Cascade struct {
	Config
}

// New returns a cascade.
func New(c Config) (*Cascade, error) {
	if c.Store == nil {
		return nil, errors.New("cascade: Config.Store is nil")
	}
	if c.Provider == nil {
		return nil, errors.New("cascade: Config.Provider is nil")
	}
	c.Log, c.Now = defaults.Log(c.Log), defaults.Now(c.Now)
	return &Cascade{Config: c}, nil
}

// A Change says that a document was created, updated or deleted.
type Change struct {
	Collection string
	Document   string // the document's id: 43 base64url characters

	// OldIndex is what the document was found by before the change: "client" and
	// "person", both document ids. It may be nil.
	OldIndex map[string]string

	// Body and OldBody are the sealed account of a person after and before the change,
	// empty where there is none. Of other collections they are not kept.
	Body, OldBody string

	// Time is when the change was committed. Nothing is decided by it.
	Time time.Time

	// Deleted is set when the change removed the document.
	Deleted bool
}

// Handle does what follows from a change, and may be called again for the same one at
// any time. After an error it has to be: the store or the provider did not answer, or a
// sign-in is not complete ([store.ErrSignInPending]). A change of which nothing can
// ever follow is logged and no error.
func (c *Cascade) Handle(ctx context.Context, change Change) error {
	if !isDocumentID(change.Document) {
		c.ignore(ctx, change, "the document's id is not one of ours")
		return nil
	}
	c.Log.LogAttrs(ctx, slog.LevelDebug, "event",
		slog.String("collection", change.Collection), slog.String("document", change.Document),
		slog.Bool("deleted", change.Deleted), slog.Int64("age_ms", c.Now().Sub(change.Time).Milliseconds()))
	switch change.Collection {
	case store.ClientsCollection:
		return c.client(ctx, change.Document)
	case store.GrantsCollection:
		return c.grant(ctx, change)
	case store.CodesCollection:
		return c.code(ctx, change)
	case store.PeopleCollection:
		return c.replaced(ctx, change)
	case store.RefusalsCollection:
		return nil // nothing hangs from a refusal
	}
	c.ignore(ctx, change, "nothing hangs from this collection")
	return nil
}

// ignore notes, once, an event that is not worth another delivery.
func (c *Cascade) ignore(ctx context.Context, change Change, reason string) {
	c.Log.LogAttrs(ctx, slog.LevelWarn, "event ignored",
		slog.String("reason", reason), slog.String("collection", change.Collection))
}

func isDocumentID(id string) bool {
	_, err := credential.Decode(id, 32)
	return err == nil
}
