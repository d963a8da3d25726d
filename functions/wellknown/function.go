package wellknown

import (
	"context"
	"errors"
	"net/http"
	"strings"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/signing"
)

func init() { functions.HTTP("wellknown", boot.Handler("wellknown", Build)) }

// Build reads the environment. It does not go through package parts, which opens
// stores and providers and would link them here.
func Build(_ context.Context, env *boot.Env) (http.Handler, error) {
	r := env.Settings()
	ring := &keyfile.Options{Name: "verification-keys", Log: env.Log, MaxAge: r.Duration("KEYS_MAX_AGE")}
	c := Config{
		Edge: env.Edge(r),
		Keys: keyfile.New(r.File("VERIFICATION_KEYS_FILE"), signing.ParseKeySet, ring),

		Documents: config.Parse(r, "CIMD_ALLOW", cimd.ParseAllow),
		About: about.Server{
			Name:    config.Parse(r, "SERVER_NAME", about.ParseName),
			Privacy: config.Parse(r, "PRIVACY_URL", about.ParseLink),
			Terms:   config.Parse(r, "TERMS_URL", about.ParseLink),
		},
		Resources:       behind.Resources(r),
		OpenAIChallenge: config.Parse(r, "OPENAI_APPS_CHALLENGE", parseChallenge),
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return New(c)
}

// parseChallenge takes what OpenAI shows, and not the line or the address that it stood in.
func parseChallenge(s string) (string, error) {
	if len(s) > 512 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", errors.New("too long, or with spaces or characters beyond ASCII")
	}
	return s, nil
}
