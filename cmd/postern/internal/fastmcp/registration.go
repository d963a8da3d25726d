package fastmcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/cimd"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/oauth"
)

// A Registration is a client of the old server, or a document that is none.
type Registration struct {
	Document string               // what the old store calls it
	ID       string               // the client_id; empty if nobody can tell
	Metadata oauth.ClientMetadata // as it was stored; no scope, since that was the upstream's
	Secret   credential.Secret    // zero if the store has none

	// MethodSaid says that the stored authentication method is how the client authenticates.
	// FastMCP stores none for every client, whatever it told the client.
	MethodSaid bool

	// Skipped is why it cannot come, nil if it can.
	Skipped error
}

// Read returns what is in the collection with the clients. Documents that are sealed and a
// ring that opens none of them are an error: the key is wrong or missing.
func Read(ctx context.Context, s Source, ring fernet.Keyring) ([]Registration, error) {
	documents, err := s.documents(ctx)
	if err != nil {
		return nil, err
	}
	var out []Registration
	sealed, opened := 0, 0
	for _, d := range documents {
		r, wasSealed := read(d, ring)
		out = append(out, r)
		switch {
		case errors.Is(r.Skipped, errOtherKey), errors.Is(r.Skipped, errNoKey):
			sealed++
		case wasSealed && !errors.Is(r.Skipped, errDamaged):
			opened++
		}
	}
	switch {
	case sealed == 0 || opened > 0:
		return out, nil
	case len(ring) == 0:
		return nil, fmt.Errorf("%d of %d documents are sealed: say with --key-file which file has the old server's "+
			"jwt_signing_key, or the client secret of its upstream if it had none, or its Fernet key",
			sealed, len(documents))
	}
	return nil, fmt.Errorf("wrong key: it opens none of the %d sealed documents, neither as a Fernet key nor as "+
		"a jwt_signing_key or client secret; for a FernetEncryptionWrapper with source_material say its salt "+
		"with --key-salt", sealed)
}

// stored is a registration as the MCP SDK's OAuthClientInformationFull writes it.
type stored struct {
	ClientID      string   `json:"client_id"`
	ClientSecret  string   `json:"client_secret"`
	SecretExpires float64  `json:"client_secret_expires_at"` // seconds since 1970; 0 is never
	RedirectURIs  []string `json:"redirect_uris"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	ClientName    string   `json:"client_name"`
}

// read reads one document, and says whether it was sealed.
func read(d document, ring fernet.Keyring) (Registration, bool) {
	now := time.Now()
	body, sealed, err := d.opened(ring, now)
	if err != nil {
		return Registration{Document: d.key, ID: d.client, Skipped: err}, sealed
	}
	var c stored
	if err := json.Unmarshal(body, &c); err != nil || c.ClientID == "" {
		return Registration{Document: d.key, ID: d.client, Skipped: errNotClient}, sealed
	}
	r := Registration{
		Document: d.key, ID: c.ClientID, Secret: credential.Wrap(c.ClientSecret),
		Metadata: oauth.ClientMetadata{
			RedirectURIs: spellings(c.RedirectURIs), TokenEndpointAuthMethod: c.AuthMethod,
			GrantTypes: c.GrantTypes, ResponseTypes: c.ResponseTypes, ClientName: c.ClientName,
		},
	}
	switch {
	case !filedUnder(d.client, c.ClientID):
		r.Skipped = errOtherPlace
	case cimd.IsURL(c.ClientID):
		r.Skipped = errors.New("publishes its metadata at its client_id, and needs no registration")
	case c.ClientSecret != "" && c.SecretExpires > 0 && now.After(time.Unix(int64(c.SecretExpires), 0)):
		r.Skipped = errors.New("has a secret that expired")
	default:
		r.settleMethod()
	}
	return r, sealed
}

// settleMethod decides how the client authenticates. The method that is stored counts where
// it fits the secret. None, or nothing, is what FastMCP stores for every client: one with a
// secret sends that, in the header or in the body, and of one without nobody knows what it
// was told.
func (r *Registration) settleMethod() {
	m := &r.Metadata.TokenEndpointAuthMethod
	says := *m != "" && *m != oauth.AuthMethodNone
	switch {
	case says && r.Secret.IsZero():
		r.Skipped = fmt.Errorf("is registered for %s, and its secret is not there", *m)
	case says:
		r.MethodSaid = true
	case r.Secret.IsZero():
		*m = oauth.AuthMethodNone
	default:
		*m = oauth.AuthMethodPost
	}
}
