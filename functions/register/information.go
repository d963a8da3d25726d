package register

import (
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/store"
)

// information is the answer about a client (RFC 7591 §3.2.1, RFC 7592 §3): all of its
// registered metadata, and nothing empty.
type information struct {
	ClientID         string `json:"client_id"`
	ClientIDIssuedAt int64  `json:"client_id_issued_at"` // seconds since 1970

	// ClientSecretExpiresAt goes with a secret; 0 means never.
	ClientSecret          string `json:"client_secret,omitempty"`
	ClientSecretExpiresAt *int64 `json:"client_secret_expires_at,omitempty"`

	RegistrationClientURI   string `json:"registration_client_uri"`
	RegistrationAccessToken string `json:"registration_access_token"`

	oauth.ClientMetadata
}

// inform describes a client to itself. token is the one that is good from now on; a
// zero secret is left out.
func inform(issuer origin.Origin, c store.Client, token, secret credential.Secret) information {
	i := information{
		ClientID:                c.ID,
		ClientIDIssuedAt:        c.Registered.Unix(),
		RegistrationClientURI:   issuer.URL(oauth.RegisterPath + "/" + c.ID),
		RegistrationAccessToken: token.Reveal(),
		ClientMetadata:          c.Metadata,
	}
	if !secret.IsZero() {
		i.ClientSecret, i.ClientSecretExpiresAt = secret.Reveal(), new(int64)
	}
	return i
}
