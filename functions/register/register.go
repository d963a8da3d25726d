package register

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// register makes a client (RFC 7591 §3.1). The answer leaves after the commit, so a caller
// who receives it has a client. One who lost it registers again and gets another client.
func (h *handler) register(w http.ResponseWriter, r *http.Request) error {
	if wait, ok := h.limiter.Allow(edge.ClientKey(r)); !ok {
		return httperr.TooMany(wait)
	}
	metadata, err := readMetadata(r, h.policy(r))
	if err != nil {
		return err
	}
	client, secret := store.Client{Metadata: metadata}, credential.Secret{}
	if !client.Public() {
		secret = credential.New(clientSecretPrefix)
		client.SecretHash = secret.Hash()
	}
	client, token, err := h.create(r.Context(), client)
	if err != nil {
		return err
	}
	telemetry.Add(r.Context(), clientField(client.ID))
	telemetry.Audit(r.Context(), h.Log, telemetry.ClientRegistered,
		clientField(client.ID), slog.String("auth_method", metadata.TokenEndpointAuthMethod))
	return edge.JSON(w, http.StatusCreated, inform(edge.Issuer(r), client, token, secret))
}

// create stores the client under an id that nobody has, and returns the token that goes
// with it. A keeper that repeats a
// write whose answer it lost finds its own document there, as if the id were taken.
func (h *handler) create(ctx context.Context, client store.Client) (store.Client, credential.Secret, error) {
	const attempts = 3
	var err error
	for range attempts {
		token := credential.New(registrationTokenPrefix)
		client.ID, client.RegistrationTokenHash = clientID(token), token.Hash()
		var created store.Client
		if created, err = h.Store.RegisterClient(ctx, client); !errors.Is(err, driver.ErrExists) {
			return created, token, err
		}
	}
	return store.Client{}, credential.Secret{}, err
}
