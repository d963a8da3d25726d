package register

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A target is what the body of an update has beside the metadata (RFC 7592 §2.2).
// Members that only we set are ignored there too, because clients send back what they
// were answered.
type target struct {
	ClientID string `json:"client_id"`

	// ClientSecret may repeat the client's secret and never choose one.
	ClientSecret string `json:"client_secret"`
}

// A change is a valid update, with what its answer is made of.
type change struct {
	clientID  string
	metadata  oauth.ClientMetadata
	body      string            // the hash of all that was asked, and from where
	presented credential.Secret // the secret in the body; zero if there was none
	came      credential.Secret // the registration access token that the request came with
	at        time.Time
	seed      seed // of the next token, and of a secret for a client that had none
}

// replace replaces a whole registration: members that are left out are gone (RFC 7592 §2.2).
// The registration access token is replaced with it, so one that leaked ends with the next
// update. The update that replaced it may come again with it, and is answered again.
func (h *handler) replace(w http.ResponseWriter, r *http.Request) error {
	id, token, err := owner(r)
	if err != nil {
		return err
	}
	c, invalid := h.readChange(r, token)
	made, repeated := c.seed, false
	client, err := h.Store.UpdateClient(r.Context(), id, func(client *store.Client) error {
		if repeated = c.repeats(*client); repeated {
			c.seed = client.Update.Seed
			return nil
		}
		c.seed = made
		if err := owns(*client, token); err != nil {
			return err
		}
		if invalid != nil { // what is wrong with a body is told to the owner only
			return invalid
		}
		return c.apply(client)
	})
	noteClient(r, id, err)
	if err != nil {
		return h.refuse(r, id, err)
	}
	if repeated {
		telemetry.Add(r.Context(), telemetry.Repeated())
	} else {
		telemetry.Audit(r.Context(), h.Log, telemetry.ClientUpdated, clientField(id))
	}
	return edge.JSON(w, http.StatusOK, inform(edge.Issuer(r), client, c.seed.token(c.came), c.shown(client)))
}

// readChange reads an update by the same rules as a registration.
func (h *handler) readChange(r *http.Request, came credential.Secret) (change, error) {
	var of target
	var body json.RawMessage
	metadata, err := readMetadata(r, h.policy(r), &of, &body)
	if err != nil {
		return change{}, err
	}
	return change{
		clientID:  of.ClientID,
		metadata:  metadata,
		body:      credential.Hash(edge.ClientKey(r) + "\n" + string(body)),
		presented: credential.Wrap(of.ClientSecret),
		came:      came,
		at:        h.Now(),
		seed:      newSeed(),
	}, nil
}

// repeats reports whether this is the update that made the client what it is, once more: a
// platform sends a request again when the answer was lost. The token that it came with is
// good for nothing else, only for seconds, and only where it came from: whoever else has it
// would else get the token that was to put an end to that.
func (c change) repeats(client store.Client) bool {
	u := client.Update
	return u != nil && c.came.Equal(u.Token) && c.body == u.Body && c.at.Sub(u.At) < store.RepeatTime
}

// apply changes the client, or returns why it may not. It may run twice.
func (c change) apply(client *store.Client) error {
	if c.clientID != client.ID {
		return oauth.Refuse(oauth.InvalidClientMetadata, "client_id must be in the body and be the one that is updated")
	}
	if !c.presented.IsZero() && !c.presented.Equal(client.SecretHash) {
		return oauth.Refuse(oauth.InvalidClientMetadata,
			"client_secret must be the current one or be left out: this server chooses secrets")
	}
	client.Metadata = c.metadata
	client.RegistrationTokenHash = c.seed.token(c.came).Hash()
	client.Update = &store.Update{At: c.at, Token: c.came.Hash(), Body: c.body, Seed: c.seed}
	switch {
	case client.Public():
		client.SecretHash = ""
	case client.SecretHash == "":
		client.SecretHash = c.seed.secret().Hash()
	}
	return nil
}

// shown returns the secret of an updated client for its answer: a new one, or one that
// the client itself sent. Any other is not known any more.
func (c change) shown(client store.Client) credential.Secret {
	for _, s := range []credential.Secret{c.seed.secret(), c.presented} {
		if s.Equal(client.SecretHash) {
			return s
		}
	}
	return credential.Secret{}
}
