package storetest

import (
	"context"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RunFaults checks that a keeper that cannot answer says nothing about documents: no call
// is ErrNotFound or ErrExists. open has a store for each way in which it cannot, by name,
// with whatever in it; RunFaults closes it.
func RunFaults(t *testing.T, open map[string]func(t *testing.T) driver.Driver) {
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := suite{open: open}
			noVerdict(t, s.store(t))
		})
	}
}

func noVerdict(t *testing.T, d driver.Driver) {
	_, err := d.Get(t.Context(), key(1))
	wantVerdictFree(t, "Get", err)
	_, err = d.List(t.Context(), driver.Query{Collection: "clients", Limit: 1})
	wantVerdictFree(t, "List", err)
	wantVerdictFree(t, "Create", d.Create(t.Context(), key(1), body("x")))
	for name, f := range map[string]func(tx driver.Tx) error{
		"that reads": func(tx driver.Tx) error {
			_, err := tx.Get(key(1))
			wantVerdictFree(t, "Tx.Get", err)
			return err
		},
		"that takes a fault for an answer": func(tx driver.Tx) error {
			_, _ = tx.Get(key(1))
			return tx.Set(key(1), body("x"))
		},
		"that sets":    func(tx driver.Tx) error { return tx.Set(key(1), body("x")) },
		"that creates": func(tx driver.Tx) error { return tx.Create(key(1), body("x")) },
		"that deletes": func(tx driver.Tx) error { return tx.Delete(key(1)) },
	} {
		err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return f(tx) })
		wantVerdictFree(t, "a transaction "+name, err)
	}
}
