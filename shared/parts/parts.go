// Package parts opens, from settings, what several functions need alike: the store,
// the rings, the identity provider. Only a function's function.go and the operator's
// program use it. Nothing here does network I/O; what is wrong with a setting is noted
// in the reader, so that every problem is reported at once.
package parts

import (
	"context"
	"errors"
	"log/slog"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Box returns the box over the ring of FERNET_KEYS_FILE.
func Box(env *boot.Env, r *config.Reader) *seal.Box {
	file := r.File("FERNET_KEYS_FILE")
	return seal.NewBox(keyfile.New(file, fernet.ParseKeyring, options("fernet-keys", env, r)), nil)
}

// SigningKeys returns the private ring of SIGNING_KEYS_FILE.
func SigningKeys(env *boot.Env, r *config.Reader) *keyfile.File[signing.Ring] {
	return keyfile.New(r.File("SIGNING_KEYS_FILE"), signing.ParseRing, options("signing-keys", env, r))
}

// OwnVerificationKeys returns the public halves of SIGNING_KEYS_FILE, for the function
// that has the private ones.
func OwnVerificationKeys(env *boot.Env, r *config.Reader) *keyfile.File[signing.KeySet] {
	parse := func(data []byte) (signing.KeySet, error) {
		ring, err := signing.ParseRing(data)
		if err != nil {
			return signing.KeySet{}, err
		}
		return ring.Public(), nil
	}
	return keyfile.New(r.File("SIGNING_KEYS_FILE"), parse, options("signing-keys", env, r))
}

// VerificationKeys returns the public keys of VERIFICATION_KEYS_FILE.
func VerificationKeys(env *boot.Env, r *config.Reader) *keyfile.File[signing.KeySet] {
	return keyfile.New(r.File("VERIFICATION_KEYS_FILE"), signing.ParseKeySet, options("verification-keys", env, r))
}

// Identity returns what signs who calls for upstream servers, with IDENTITY_KEYS_FILE; nil
// where that is not set.
func Identity(env *boot.Env, r *config.Reader) *identity.Signer {
	file, ttl := r.File("IDENTITY_KEYS_FILE"), r.Duration("IDENTITY_TOKEN_TTL")
	if file == "" {
		return nil
	}
	return &identity.Signer{Ring: keyfile.New(file, signing.ParseRing, options("identity-keys", env, r)), TTL: ttl}
}

func options(name string, env *boot.Env, r *config.Reader) *keyfile.Options {
	return &keyfile.Options{Name: name, Log: env.Log, MaxAge: r.Duration("KEYS_MAX_AGE")}
}

// Store opens STORE by one of drivers, sealed in box, with the lifetimes of the settings.
// It is nil when a setting is wrong; the reader then has the problem.
func Store(
	ctx context.Context, env *boot.Env, r *config.Reader, drivers driver.Openers, box *seal.Box,
) *store.Store {
	s, _ := Records(ctx, env, r, drivers, box)
	return s
}

// Records is [Store] with the driver below it, for who reads its changes.
func Records(
	ctx context.Context, env *boot.Env, r *config.Reader, drivers driver.Openers, box *seal.Box,
) (*store.Store, driver.Driver) {
	d := config.Parse(r, "STORE", func(s string) (driver.Driver, error) { return drivers.Open(ctx, s) })
	life := store.Lifetimes{
		GrantTTL:        r.Duration("GRANT_TTL"),
		RefreshGrace:    r.Duration("REFRESH_GRACE"),
		ClientUnusedTTL: r.Duration("CLIENT_UNUSED_TTL"),
		AccessTokenTTL:  r.Duration("ACCESS_TOKEN_TTL"),
	}
	if d == nil {
		return nil, nil
	}
	env.OnClose(d.Close)
	keeper := driver.Guard(&reporting{Driver: d, system: systemOf(r.String("STORE")), log: env.Log})
	s, err := store.New(keeper, box, life, nil)
	if err != nil {
		r.Refuse("STORE", "cannot be used: %s", err)
		return nil, nil
	}
	s.Alarm = func(ctx context.Context, collection, document string, err error) {
		event := telemetry.StoreUnreadableRecord
		if errors.Is(err, store.ErrTampered) {
			event = telemetry.StoreMisplacedEnvelope
		}
		telemetry.Audit(ctx, env.Log, event, slog.String("collection", collection),
			slog.String("document", document), slog.String("error", err.Error()))
	}
	return s, d
}

// Documents returns the reader of client metadata documents, by CIMD_ALLOW.
func Documents(env *boot.Env, r *config.Reader) *cimd.Fetcher {
	return cimd.New(cimd.Options{Allow: config.Parse(r, "CIMD_ALLOW", cimd.ParseAllow), Log: env.Log})
}

// Schemes returns the private-use schemes of REDIRECT_SCHEMES.
func Schemes(r *config.Reader) oauth.Schemes {
	return config.Parse(r, "REDIRECT_SCHEMES", oauth.ParseSchemes)
}
