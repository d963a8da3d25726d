// Package cloudsql is the way to PostgreSQL on Cloud SQL, with IAM authentication: whoever runs
// the program is the user of the database, and there is no password. Connections are TLS of
// Cloud SQL's own connector, which asks the Admin API for a certificate of an hour.
//
// The connector brings Google's API client and gRPC, so it has a package of its own:
// shared/store/postgresdriver links neither.
package cloudsql

import (
	"context"
	"fmt"
	"net"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/postgresdriver"
)

// Openers are the drivers of a function that is deployed over PostgreSQL: this one, with and
// without Cloud SQL.
var Openers = driver.Openers{"postgres": postgresdriver.Opener(Way())}

// Way returns the way to Cloud SQL. Options go to every connector that it makes.
func Way(options ...cloudsqlconn.Option) postgresdriver.CloudSQL {
	return func(ctx context.Context, instance, address string) (pgconn.DialFunc, func() error, error) {
		// A certificate is renewed when a connection needs one, not by a clock that stands still
		// while a function is not asked anything.
		all := append([]cloudsqlconn.Option{cloudsqlconn.WithIAMAuthN(), cloudsqlconn.WithLazyRefresh()}, options...)
		connector, err := cloudsqlconn.NewDialer(ctx, all...)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: log in with gcloud auth application-default login", err)
		}
		kind := map[string]cloudsqlconn.DialOption{
			"private": cloudsqlconn.WithPrivateIP(),
			"public":  cloudsqlconn.WithPublicIP(),
			"psc":     cloudsqlconn.WithPSC(),
		}[address]
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return connector.Dial(ctx, instance, kind) }
		return dial, connector.Close, nil
	}
}
