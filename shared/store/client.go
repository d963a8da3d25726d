package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/store/driver"
)

func clientKey(id string) driver.Key {
	return driver.Key{Collection: ClientsCollection, ID: ClientDocument(id)}
}

// RegisterClient stores a new client. A client that did not come from the operator, by hand or
// from another server, expires when it has completed no login in time. An id that is taken is
// an error.
func (s *Store) RegisterClient(ctx context.Context, c Client) (Client, error) {
	c.Registered = s.now()
	if !c.Operator && !c.Imported {
		c.Expiry = c.Registered.Add(s.life.ClientUnusedTTL)
	}
	k := clientKey(c.ID)
	d, err := sealRecord(ctx, s, k, c)
	if err != nil {
		return Client{}, err
	}
	if err := s.db.Create(ctx, k, d); err != nil {
		if registered, ok := (attempts[Client]{d.Body: c}).committed(ctx, s, k); ok {
			return registered, nil
		}
		return Client{}, fmt.Errorf("register client: %w", err)
	}
	return c, nil
}

// Client returns a registered client, or ErrNotFound if there is none or it expired unused.
func (s *Store) Client(ctx context.Context, id string) (Client, error) {
	return s.client(ctx, s.direct(ctx), id)
}

func (s *Store) client(ctx context.Context, from getter, id string) (Client, error) {
	c, err := get[Client](ctx, s, from, clientKey(id))
	if err != nil {
		return Client{}, err
	}
	if c.ID != id || (!c.Expiry.IsZero() && !s.now().Before(c.Expiry)) {
		return Client{}, ErrNotFound
	}
	return c, nil
}

// UpdateClient changes a client in a transaction (RFC 7592 §2.2). change may run
// twice; its error stops the update and is returned.
func (s *Store) UpdateClient(ctx context.Context, id string, change func(*Client) error) (Client, error) {
	var updated Client
	k, mine := clientKey(id), attempts[Client]{}
	err := s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		d, err := tx.Get(k)
		if earlier, ok := mine[d.Body]; ok && err == nil {
			updated = earlier
			return nil
		}
		c, err := s.client(ctx, func(driver.Key) (driver.Document, error) { return d, err }, id)
		if err != nil {
			return err
		}
		if err := change(&c); err != nil {
			return err
		}
		changed, err := document(ctx, s, k, c)
		if err != nil {
			return err
		}
		updated, mine[changed.Body] = c, c
		return tx.Set(k, changed)
	})
	if err != nil {
		if c, ok := mine.committed(ctx, s, k); ok {
			return c, nil
		}
		return Client{}, err
	}
	return updated, nil
}

// DeleteClient removes a client if check allows it; check may run twice and may be
// nil. Nothing of the client works from then on: every exchange looks it up, and
// [Store.LiveGrant] does for the MCP endpoint. What hangs from it is removed later.
func (s *Store) DeleteClient(ctx context.Context, id string, check func(Client) error) error {
	allowed := false
	return s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		c, err := s.client(ctx, tx.Get, id)
		if allowed && errors.Is(err, ErrNotFound) {
			return nil // an earlier run of this call deleted it and its answer was lost
		}
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(c); err != nil {
				return err
			}
		}
		allowed = true
		return tx.Delete(clientKey(id))
	})
}

// ClientExists reports whether the document of a client is there, by its document id.
func (s *Store) ClientExists(ctx context.Context, document string) (bool, error) {
	_, err := s.db.Get(ctx, driver.Key{Collection: ClientsCollection, ID: document})
	if errors.Is(err, driver.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
