package token

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
	"github.com/postern-dev/postern/shared/upstream/oidc"
)

func init() { functions.HTTP("token", boot.Handler("token", Build(firestoredriver.Openers))) }

// Build reads the environment and opens what the endpoint needs, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.Build {
	return func(ctx context.Context, env *boot.Env) (http.Handler, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		c := Config{
			Edge:           env.Edge(r),
			Store:          parts.Store(ctx, env, r, drivers, parts.Box(env, r)),
			Issuer:         &accesstoken.Issuer{Ring: parts.SigningKeys(env, r), TTL: r.Duration("ACCESS_TOKEN_TTL")},
			Verifier:       &accesstoken.Verifier{Keys: parts.OwnVerificationKeys(env, r)},
			Resources:      behind.Resources(r),
			HandedOn:       behind.HandedOn(r),
			MembershipTTL:  r.Duration("MEMBERSHIP_TTL"),
			EvidenceMaxAge: r.Duration("EVIDENCE_MAX_AGE"),
			Log:            env.Log,
		}
		c.Groups = parts.Groups(r)
		c.Provider, c.Allow = parts.Provider(env, r, parts.WithSecret, parts.Renewing(r, oidc.Open), c.Groups)
		if err := r.Err(); err != nil {
			return nil, err
		}
		return New(c)
	}
}
