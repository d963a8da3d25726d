package token

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
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

// presented is how a client says who it is, before anything is proved.
type presented struct {
	clientID string
	method   string // an oauth.AuthMethod…
	secret   credential.Secret
}

// authenticate returns the client of a request (RFC 6749 §2.3). Nothing is consumed
// by a failure. A client that is looked up and not found is invalid_client; a store
// that does not answer is a fault.
func (h *handler) authenticate(r *http.Request, form strict.Form, rule methodRule) (store.Client, error) {
	p, err := readPresented(r, form)
	if err != nil {
		return store.Client{}, err
	}
	if cimd.IsURL(p.clientID) {
		return authenticateCIMD(r, p)
	}
	client, err := h.Store.Client(r.Context(), p.clientID)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Client{}, err
	}
	noteClient(r, client, known)
	// An unknown client takes the same path, with no hash to match.
	if !p.proves(client, rule) || !known {
		return store.Client{}, h.failedAuthentication(r, client, p, known)
	}
	return client, nil
}

// authenticateCIMD returns a CIMD client, which publishes its metadata at its id. It is
// public: the id is all it has to say, and a code or token is its own or not by that id.
// What it may do was copied when the person was asked, so nothing is fetched here, and a
// host that is down ends no sign-in (CIMD, SF-15).
func authenticateCIMD(r *http.Request, p presented) (store.Client, error) {
	id, err := cimd.ParseID(p.clientID, edge.Issuer(r))
	client := store.Client{ID: id.String(), Metadata: oauth.ClientMetadata{
		TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: oauth.SupportedGrantTypes(),
	}}
	if err == nil { // the path is still a stranger's text; what a code or token proves says it in full
		telemetry.Add(r.Context(), slog.String("client_id", "https://"+id.Host()))
	}
	if err != nil || p.method != oauth.AuthMethodNone {
		return store.Client{}, oauth.RefuseBecause(err, oauth.InvalidClient, failedClient)
	}
	return client, nil
}

// failedAuthentication refuses a client. One client failing at one address too often
// is told to wait; the right secret is accepted all the same, so nobody can lock the
// owner out by guessing.
func (h *handler) failedAuthentication(r *http.Request, client store.Client, p presented, known bool) error {
	if known {
		telemetry.Audit(r.Context(), h.Log, telemetry.ClientAuthFailed, slog.String("client_id", client.ID), slog.String("auth_method", p.method),
			slog.String("reason", "wrong secret, or not the registered method"))
		if wait, ok := h.failed.Allow(client.ID + "\x00" + edge.ClientKey(r)); !ok {
			telemetry.Audit(r.Context(), h.Log, telemetry.ClientAuthThrottled, slog.String("client_id", client.ID))
			return httperr.TooMany(wait)
		}
	}
	return oauth.Refuse(oauth.InvalidClient, failedClient)
}

// proves reports whether p is how client is registered to authenticate.
func (p presented) proves(client store.Client, rule methodRule) bool {
	right := p.secret.Equal(client.SecretHash)
	registered := client.Metadata.TokenEndpointAuthMethod
	switch {
	case registered == oauth.AuthMethodNone:
		return p.method == oauth.AuthMethodNone
	case p.method == oauth.AuthMethodNone || client.SecretHash == "":
		return false
	case rule == registeredMethodOnly && p.method != registered:
		return false
	}
	return right
}

// readPresented reads one way of authenticating; two at once are refused
// (RFC 6749 §2.3).
func readPresented(r *http.Request, form strict.Form) (presented, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if header := r.Header.Get("Authorization"); header != "" {
		basicID, basicSecret, ok := parseBasic(header)
		switch {
		case !ok:
			return presented{}, oauth.Refuse(oauth.InvalidClient, "the Authorization header must be Basic with the form-encoded client id and secret")
		case secret != "" || form.Has("client_assertion"):
			return presented{}, oauth.Refuse(oauth.InvalidRequest, "authenticate in one way only, by header or by body")
		case id != "" && id != basicID:
			return presented{}, oauth.Refuse(oauth.InvalidRequest, "client_id in the body is not the one in the Authorization header")
		}
		return presented{clientID: basicID, method: oauth.AuthMethodBasic, secret: credential.Wrap(basicSecret)}, nil
	}
	switch {
	case form.Has("client_assertion"):
		return presented{}, oauth.Refuse(oauth.InvalidClient, "client assertions are not supported")
	case id == "":
		return presented{}, oauth.Refuse(oauth.InvalidClient, "client_id is missing: send it in the body, or with the secret by HTTP Basic")
	case secret == "":
		return presented{clientID: id, method: oauth.AuthMethodNone}, nil
	}
	return presented{clientID: id, method: oauth.AuthMethodPost, secret: credential.Wrap(secret)}, nil
}

// parseBasic reads HTTP Basic credentials, both halves form-encoded (RFC 6749 §2.3.1).
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") || len(header) > 4096 || strings.ContainsAny(encoded, "\r\n") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	rawID, rawSecret, ok := strings.Cut(string(decoded), ":")
	if !ok || rawID == "" {
		return "", "", false
	}
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	return id, secret, errID == nil && errSecret == nil
}

// newFailureLimiter allows a client at one address 20 failures in a row and then one
// in five seconds.
func newFailureLimiter() *limit.Limiter {
	return limit.New(limit.Options{Burst: 20, Every: 5 * time.Second, MaxKeys: 10_000})
}

// noteClient puts the client on the request's line. A text that is no client's id is
// not kept: it may be a secret in the wrong place (LG-01).
func noteClient(r *http.Request, client store.Client, known bool) {
	id := "unknown"
	if known {
		id = client.ID
	}
	telemetry.Add(r.Context(), slog.String("client_id", id))
}
