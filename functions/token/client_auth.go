package token

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// failedClient is the one sentence for a client that is unknown or could not prove
// who it is.
const failedClient = "the client is unknown or did not authenticate as it is registered"

// methodRule says which authentication methods count for a client.
type methodRule int

const (
	registeredMethodOnly methodRule = iota
	// eitherSecretMethod takes the right secret in the header or the body: some
	// libraries revoke with Basic whatever the client registered.
	eitherSecretMethod
)

// authenticate returns the client of a request (RFC 6749 §2.3). Nothing is consumed
// by a failure. A client that is looked up and not found is invalid_client; a store
// that does not answer is a fault.
func (h *handler) authenticate(ctx context.Context, who caller, rule methodRule) (store.Client, error) {
	if cimd.IsURL(who.clientID) {
		return authenticateCIMD(ctx, who)
	}
	client, err := h.Store.Client(ctx, who.clientID)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Client{}, err
	}
	noteClient(ctx, client, known)
	// An unknown client takes the same path, with no hash to match.
	if !who.proves(client, rule) || !known {
		return store.Client{}, h.failedAuthentication(ctx, client, who, known)
	}
	return client, nil
}

// authenticateCIMD returns a CIMD client, which publishes its metadata at its id. It is
// public: the id is all it has to say, and a code or token is its own or not by that id.
// What it may do was copied when the person was asked, so nothing is fetched here, and a
// host that is down ends no sign-in.
func authenticateCIMD(ctx context.Context, who caller) (store.Client, error) {
	id, err := cimd.ParseID(who.clientID, who.issuer)
	if err == nil { // the path is still a stranger's text; what a code or token proves says it in full
		telemetry.Add(ctx, slog.String("client_id", "https://"+id.Host()))
	}
	if err != nil || who.method != oauth.AuthMethodNone {
		return store.Client{}, oauth.RefuseBecause(err, oauth.InvalidClient, failedClient)
	}
	return store.Client{ID: id.String(), Metadata: oauth.ClientMetadata{
		TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: oauth.SupportedGrantTypes(),
	}}, nil
}

// failedAuthentication refuses a client. One client failing at one address too often
// is told to wait; the right secret is accepted all the same, so nobody can lock the
// owner out by guessing.
func (h *handler) failedAuthentication(ctx context.Context, client store.Client, who caller, known bool) error {
	if known {
		telemetry.Audit(ctx, h.Log, telemetry.ClientAuthFailed, slog.String("client_id", client.ID),
			slog.String("auth_method", who.method), slog.String("reason", "wrong secret, or not the registered method"))
		if wait, ok := h.failed.Allow(client.ID + "\x00" + who.address); !ok {
			telemetry.Audit(ctx, h.Log, telemetry.ClientAuthThrottled, slog.String("client_id", client.ID))
			return httperr.TooMany(wait)
		}
	}
	return oauth.Refuse(oauth.InvalidClient, failedClient)
}

// proves reports whether a caller authenticates as client does.
func (who caller) proves(client store.Client, rule methodRule) bool {
	right := who.secret.Equal(client.SecretHash)
	switch {
	case client.Public() || who.method == oauth.AuthMethodNone:
		return client.Accepts(who.method)
	case client.SecretHash == "":
		return false
	case rule == registeredMethodOnly && !client.Accepts(who.method):
		return false
	}
	return right
}

// newFailureLimiter allows a client at one address 20 failures in a row and then one
// in five seconds.
func newFailureLimiter() *limit.Limiter {
	return limit.New(limit.Options{Burst: 20, Every: 5 * time.Second, MaxKeys: 10_000})
}

// noteClient puts the client on the request's line. A text that names no client is not
// kept: it may be a secret in the wrong place.
func noteClient(ctx context.Context, client store.Client, known bool) {
	id := "unknown"
	if known {
		id = client.ID
	}
	telemetry.Add(ctx, slog.String("client_id", id))
}
