package authorize

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/boot"
	_ "github.com/postern-dev/postern/shared/store/firestoredriver" // STORE=firestore:…
	"github.com/postern-dev/postern/shared/wire"
)

func init() { functions.HTTP("authorize", boot.Handler("authorize", build)) }

// build reads the environment and opens what the endpoint needs. It does no network
// I/O, so a bad setting fails the start and nothing else can.
func build(ctx context.Context, env *boot.Env) (http.Handler, error) {
	r := env.Settings()
	c := Config{
		Edge:      env.Edge(r),
		Box:       wire.Box(env, r),
		Documents: wire.Documents(env, r),
		CodeTTL:   r.Duration("CODE_TTL"),
		SignInTTL: r.Duration("SIGN_IN_TTL"),
		GrantTTL:  r.Duration("GRANT_TTL"),
		Log:       env.Log,
	}
	c.Store = wire.Store(ctx, env, r, c.Box)
	c.Provider, c.Allow = wire.Provider(env, r, wire.WithSecret)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return New(c)
}
