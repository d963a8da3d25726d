package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store/driver"
)

var (
	// ErrNotFound says that a record was looked up and is not there, or has expired.
	ErrNotFound = errors.New("not found")

	// ErrCompleted says that the login a code is for was completed before.
	ErrCompleted = errors.New("login already completed")

	// ErrTampered says that a document is not what the store wrote there: its body
	// belongs to another document, or its index does not fit its body.
	ErrTampered = errors.New("document does not belong where it was found")
)

// RepeatTime is how long after its first run a request that a platform sends twice,
// because the answer was lost, is answered again.
const RepeatTime = 10 * time.Second

// Lifetimes are the durations the store decides by. Zero values are their defaults.
type Lifetimes struct {
	GrantTTL        time.Duration // 2160h: a grant ends this long after its last refresh
	RefreshGrace    time.Duration // as configured; zero is no grace
	ClientUnusedTTL time.Duration // 168h: a registration without a login ends after this
	AccessTokenTTL  time.Duration // 1h: marks of ended codes and grants are kept longer than any token of theirs
}

// A Store has the rules. Its methods are safe for concurrent use.
type Store struct {
	// Alarm, if it is set, is told of every document that is not what the store
	// wrote there (ErrTampered), and of every other that a walk could not open and
	// left out. It is set before the store is used.
	Alarm func(ctx context.Context, collection, document string, err error)

	db   driver.Driver
	box  *seal.Box
	life Lifetimes
	now  func() time.Time
}

// New returns a store over d whose records are sealed in box. A nil now is time.Now.
func New(d driver.Driver, box *seal.Box, life Lifetimes, now func() time.Time) (*Store, error) {
	if d == nil || box == nil {
		return nil, errors.New("store: New needs a driver and a box")
	}
	now = defaults.Now(now)
	life.GrantTTL = orDefault(life.GrantTTL, 2160*time.Hour)
	life.ClientUnusedTTL = orDefault(life.ClientUnusedTTL, 168*time.Hour)
	life.AccessTokenTTL = orDefault(life.AccessTokenTTL, time.Hour)
	inMicroseconds := func() time.Time { return now().UTC().Truncate(time.Microsecond) }
	return &Store{db: d, box: box, life: life, now: inMicroseconds}, nil
}

// A getter is a driver or a transaction of one.
type getter func(k driver.Key) (driver.Document, error)

func (s *Store) direct(ctx context.Context) getter {
	return func(k driver.Key) (driver.Document, error) { return s.db.Get(ctx, k) }
}

// A record is what the store keeps in one collection.
type record interface {
	Client | Code | Grant | Account | Refusal
}

// index returns what a record is found by, and when its document may be removed.
func index[R record](r R) (map[string]string, time.Time) {
	switch r := any(r).(type) {
	case Client:
		return nil, r.Expiry
	case Refusal:
		return nil, r.Expiry
	case Code:
		return indexOf(r.ClientID, r.Person), time.Time{}
	case Grant:
		return indexOf(r.ClientID, r.Person), r.Expiry
	}
	return nil, time.Time{}
}

func indexOf(clientID string, p Person) map[string]string {
	found := map[string]string{"client": ClientDocument(clientID), "person": PersonDocument(p.Subject)}
	if p.Session != "" {
		found["session"] = documentID(p.Session)
	}
	return found
}

func label(k driver.Key) seal.Label {
	return seal.Label{Purpose: "record", Collection: k.Collection, Document: k.ID, Field: "body"}
}

// sealRecord makes the document of a record.
func sealRecord[R record](ctx context.Context, s *Store, k driver.Key, r R) (driver.Document, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return driver.Document{}, fmt.Errorf("encode %s: %w", k.Collection, err)
	}
	body, err := s.box.Seal(ctx, label(k), plain)
	if err != nil {
		return driver.Document{}, fmt.Errorf("seal %s: %w", k.Collection, err)
	}
	d := driver.Document{Body: body}
	d.Index, d.DeleteAfter = index(r)
	return d, nil
}

// openRecord opens the document of a record and checks that it belongs at k.
func openRecord[R record](ctx context.Context, s *Store, k driver.Key, d driver.Document) (R, error) {
	var r R
	plain, err := s.box.Open(ctx, label(k), d.Body)
	if errors.Is(err, seal.ErrMisplaced) {
		return r, s.tampered(ctx, k, err)
	}
	if err != nil {
		return r, fmt.Errorf("open %s/%s: %w", k.Collection, k.ID, err)
	}
	if err := json.Unmarshal(plain, &r); err != nil {
		return r, fmt.Errorf("decode %s/%s: %w: %w", k.Collection, k.ID, seal.ErrUnreadable, err)
	}
	if want, _ := index(r); !maps.Equal(want, d.Index) {
		return r, s.tampered(ctx, k, errors.New("the index does not fit the record"))
	}
	return r, nil
}

// Unreadable reports whether err says that one record cannot be opened: no key of the
// ring opens it, or it is not what the store wrote there. It says nothing about other
// records, so whoever walks them goes on. Any other error ends a walk: the store or the
// ring could not be read.
func Unreadable(err error) bool {
	return errors.Is(err, seal.ErrUnreadable) || errors.Is(err, seal.ErrMisplaced) || errors.Is(err, ErrTampered) ||
		errors.Is(err, driver.ErrMalformed)
}

func (s *Store) tampered(ctx context.Context, k driver.Key, cause error) error {
	err := fmt.Errorf("open %s/%s: %w: %w", k.Collection, k.ID, ErrTampered, cause)
	if s.Alarm != nil {
		s.Alarm(ctx, k.Collection, k.ID, err)
	}
	return err
}

// get reads and opens one record.
func get[R record](ctx context.Context, s *Store, from getter, k driver.Key) (R, error) {
	d, err := from(k)
	return opened[R](ctx, s, k, d, err)
}

// opened is what a read at k gave, as a record.
func opened[R record](ctx context.Context, s *Store, k driver.Key, d driver.Document, err error) (R, error) {
	var zero R
	if errors.Is(err, driver.ErrNotFound) {
		return zero, ErrNotFound
	}
	if err != nil {
		return zero, fmt.Errorf("read %s: %w", k.Collection, err)
	}
	return openRecord[R](ctx, s, k, d)
}

// document seals one record whose document is kept until keep at least.
func document[R record](ctx context.Context, s *Store, k driver.Key, r R, keep ...time.Time) (driver.Document, error) {
	d, err := sealRecord(ctx, s, k, r)
	d.DeleteAfter = latest(d.DeleteAfter, keep...)
	return d, err
}

// set seals and writes one record in a transaction.
func set[R record](ctx context.Context, s *Store, tx driver.Tx, k driver.Key, r R) error {
	d, err := document(ctx, s, k, r)
	if err != nil {
		return err
	}
	return tx.Set(k, d)
}

func latest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.After(t) {
			t = m
		}
	}
	return t
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
