// Command remembered is the token function over a store in memory, with the records that the
// embedded store of STORE has when it starts: so it is compared with servers that keep theirs
// in memory too.
package main

import (
	"context"

	"github.com/postern-dev/postern/functions/token"
	"github.com/postern-dev/postern/shared/boot/serve"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
	"github.com/postern-dev/postern/test/kit/memory"
)

func main() { serve.Main("token", token.Build(driver.Openers{"embedded": remember})) }

func remember(ctx context.Context, dir string) (driver.Driver, error) {
	from, err := embedded.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to := memory.New(nil)
	for _, collection := range store.Collections() {
		for record, err := range driver.All(ctx, from, driver.Query{Collection: collection}) {
			if err != nil {
				return nil, err
			}
			if err := to.Create(ctx, record.Key, record.Document); err != nil {
				return nil, err
			}
		}
	}
	return to, nil
}
