package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
)

// A test sees what a caller does when the answer of a commit is lost.
func Example() {
	lost := errors.New("connection reset")
	d := memory.New(&memory.Options{FaultAfter: func(op string, _ driver.Key) error {
		if op == memory.OpCommit {
			return lost
		}
		return nil
	}})
	k := driver.Key{Collection: "grants", ID: "g1"}
	err := d.RunTransaction(context.Background(), func(_ context.Context, tx driver.Tx) error {
		return tx.Create(k, driver.Document{Body: "sealed"})
	})
	doc, _ := d.Get(context.Background(), k)
	fmt.Println(err, "but there is", doc.Body)
	// Output: connection reset but there is sealed
}
