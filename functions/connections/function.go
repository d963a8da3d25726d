package connections

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/parts/look"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

func init() {
	functions.HTTP("connections", boot.Handler("connections", Build(firestoredriver.Openers)))
}

// Build reads the environment and opens what the pages need, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.Build {
	return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		c := Config{
			Edge:             env.Edge(r),
			Box:              parts.Box(env, r),
			Resources:        behind.Resources(r),
			Look:             look.Read(env, r),
			RevocationMaxAge: r.Duration("REVOCATION_MAX_AGE"),
			AccessTokenTTL:   r.Duration("ACCESS_TOKEN_TTL"),
			Provider:         parts.ProviderTitle(r),
			Log:              env.Log,
		}
		c.Store = parts.Store(ctx, env, r, drivers, c.Box)
		if err := r.Err(); err != nil {
			return nil, err
		}
		return New(c)
	}
}
