package token

import (
	"context"
	"net/http"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/parts"
	_ "github.com/postern-dev/postern/shared/store/firestoredriver" // STORE=firestore:…
)

func init() { functions.HTTP("token", boot.Handler("token", Build)) }

// Build reads the environment and opens what the endpoint needs. It does no network
// I/O, so a bad setting fails the start and nothing else can.
func Build(ctx context.Context, env *boot.Env) (http.Handler, error) {
	r := env.Settings()
	c := Config{
		Edge:           env.Edge(r),
		Store:          parts.Store(ctx, env, r, parts.Box(env, r)),
		Issuer:         &accesstoken.Issuer{Ring: parts.SigningKeys(env, r), TTL: r.Duration("ACCESS_TOKEN_TTL")},
		Verifier:       &accesstoken.Verifier{Keys: parts.OwnVerificationKeys(env, r)},
		MembershipTTL:  r.Duration("MEMBERSHIP_TTL"),
		EvidenceMaxAge: r.Duration("EVIDENCE_MAX_AGE"),
		Log:            env.Log,
	}
	c.Provider, c.Allow = parts.Provider(env, r, parts.WithoutSecret)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return New(c)
}
