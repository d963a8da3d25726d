package register

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
)

func init() { functions.HTTP("register", boot.Handler("register", Build(firestoredriver.Openers))) }

// Build reads the environment and opens what the endpoint needs, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.Build {
	return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		c := Config{
			Edge:      env.Edge(r),
			Store:     parts.Store(ctx, env, r, drivers, parts.Box(env, r)),
			Schemes:   parts.Schemes(r),
			Resources: behind.Resources(r),
			Log:       env.Log,
		}
		if err := r.Err(); err != nil {
			return nil, err
		}
		return New(c)
	}
}
