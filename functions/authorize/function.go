package authorize

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/parts/look"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
	"github.com/postern-dev/postern/shared/upstream/oidc"
)

func init() { functions.HTTP("authorize", boot.Handler("authorize", Build(firestoredriver.Openers))) }

// Build reads the environment and opens what the endpoint needs, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.Build {
	return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		c := Config{
			Edge:      env.Edge(r),
			Box:       parts.Box(env, r),
			Documents: parts.Documents(env, r),
			Schemes:   parts.Schemes(r),
			Resources: behind.Resources(r),
			Look:      look.Read(env, r),
			Contact:   config.Parse(r, "OPERATOR_CONTACT", about.ParseContact),
			CodeTTL:   r.Duration("CODE_TTL"),
			SignInTTL: r.Duration("SIGN_IN_TTL"),
			GrantTTL:  r.Duration("GRANT_TTL"),
			Log:       env.Log,

			AccessTokenTTL: r.Duration("ACCESS_TOKEN_TTL"),
			EvidenceMaxAge: r.Duration("EVIDENCE_MAX_AGE"),
			OfflineAccess:  r.Bool("OFFLINE_ACCESS"),
		}
		c.Store = parts.Store(ctx, env, r, drivers, c.Box)
		c.Groups = parts.Groups(r)
		c.Provider, c.Allow = parts.Provider(env, r, parts.WithSecret, parts.Renewing(r, oidc.Open), c.Groups)
		if err := r.Err(); err != nil {
			return nil, err
		}
		return New(c)
	}
}
