package authorize

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/parts"
	_ "github.com/postern-dev/postern/shared/store/firestoredriver" // STORE=firestore:…
)

func init() { functions.HTTP("authorize", boot.Handler("authorize", Build)) }

// Build reads the environment and opens what the endpoint needs. It does no network
// I/O, so a bad setting fails the start and nothing else can.
func Build(ctx context.Context, env *boot.Env) (http.Handler, error) {
	r := env.Settings()
	c := Config{
		Edge:      env.Edge(r),
		Box:       parts.Box(env, r),
		Documents: parts.Documents(env, r),
		Schemes:   parts.Schemes(r),
		Contact:   config.Parse(r, "OPERATOR_CONTACT", ParseContact),
		CodeTTL:   r.Duration("CODE_TTL"),
		SignInTTL: r.Duration("SIGN_IN_TTL"),
		GrantTTL:  r.Duration("GRANT_TTL"),
		Log:       env.Log,

		OfflineAccess: r.Bool("OFFLINE_ACCESS"),
	}
	c.Store = parts.Store(ctx, env, r, c.Box)
	c.Provider, c.Allow = parts.Provider(env, r, parts.WithSecret)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return New(c)
}
