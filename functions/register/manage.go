package register

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

var (
	errNoToken    = errors.New("no bearer token")
	errWrongToken = errors.New("not the registration access token of this client")
)

// read answers what is registered (RFC 7592 §2.1). The token of the answer is the one
// that the caller sent; the secret is not kept and cannot be shown again.
func (h *handler) read(w http.ResponseWriter, r *http.Request) error {
	id, token, err := owner(r)
	if err != nil {
		return err
	}
	client, err := h.Store.Client(r.Context(), id)
	if err == nil {
		err = owns(client, token)
	}
	noteClient(r, id, err)
	if err != nil {
		return h.refuse(r, id, err)
	}
	return edge.JSON(w, http.StatusOK, inform(edge.Issuer(r), client, token, credential.Secret{}))
}

// delete ends a client and all that it has (RFC 7592 §2.3). Whoever can show that a client
// that is not there was theirs has what they asked for: the answer to the deletion may have
// been lost.
func (h *handler) delete(w http.ResponseWriter, r *http.Request) error {
	id, token, err := owner(r)
	if err != nil {
		return err
	}
	err = h.Store.DeleteClient(r.Context(), id, func(c store.Client) error { return owns(c, token) })
	noteClient(r, id, err)
	if errors.Is(err, store.ErrNotFound) && madeFor(id, token) {
		telemetry.Add(r.Context(), clientField(id), telemetry.Repeated())
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err != nil {
		return h.refuse(r, id, err)
	}
	telemetry.Audit(r.Context(), h.Log, telemetry.ClientDeleted, clientField(id), slog.String("by", "client"))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// owner returns the id that a request is about and the token that it came with.
func owner(r *http.Request) (id string, token credential.Secret, err error) {
	id = r.PathValue("client_id")
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = credential.Wrap(strings.TrimLeft(rest, " "))
	if !strings.EqualFold(scheme, "Bearer") || token.IsZero() {
		return id, token, unauthorized(errNoToken)
	}
	return id, token, nil
}

// owns returns errWrongToken unless token is the client's. The operator's clients have
// none and are not to be had here.
func owns(c store.Client, token credential.Secret) error {
	if c.Operator || !token.Equal(c.RegistrationTokenHash) {
		return errWrongToken
	}
	return nil
}

// refuse gives a client that is not there and a token that is not the client's the
// same answer, so that nobody learns which ids exist. Other errors stay as they are.
func (h *handler) refuse(r *http.Request, id string, err error) error {
	if errors.Is(err, errWrongToken) {
		telemetry.Audit(r.Context(), h.Log, telemetry.ClientAuthFailed, clientField(id),
			slog.String("auth_method", "registration_access_token"), slog.String("reason", "wrong token"))
	}
	if errors.Is(err, errWrongToken) || errors.Is(err, store.ErrNotFound) {
		return unauthorized(err)
	}
	return err
}

// unauthorized is the one answer to everybody who is not the client (RFC 7592 §2.1).
func unauthorized(cause error) error {
	return oauth.RefuseBecause(cause, oauth.InvalidToken,
		"send the registration_access_token of this client as a Bearer token; if it does not work, register again")
}
