package cimd

import (
	"encoding/json"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
)

// A Document is what a client published, as it counts at this server. It must not be
// changed.
type Document struct {
	// Metadata is what is used of it: name, redirect URIs, grant types, scope. The
	// authentication method is always none.
	Metadata oauth.ClientMetadata
	// Digest is the credential.Hash of the document's bytes, 43 characters.
	Digest string
}

// maxRedirectURIs is more than a registration may have: a published document serves every
// server and is stored at none.
const maxRedirectURIs = 100

// contents are the members of a document that are looked at. Others are ignored.
type contents struct {
	ClientID string `json:"client_id"`
	oauth.ClientMetadata
	// AuthMethods is what the client can do; the single member is what it likes best.
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
}

// parse checks a document against the id it was fetched by. Errors are [*Problem].
func parse(id ID, body []byte) (Document, error) {
	malformed := func(says string, cause error) (Document, error) {
		says = "the document at " + id.host + " " + says
		return Document{}, &Problem{Kind: Malformed, Host: id.host, Says: says, Cause: cause}
	}
	var members map[string]json.RawMessage
	if err := strict.DecodeJSON(body, &members); err != nil {
		return malformed("is not a strict JSON object", err)
	}
	for name := range members {
		if strings.HasPrefix(strings.ToLower(name), "client_secret") {
			return malformed("publishes a client secret, which then is not a secret", nil)
		}
	}
	var c contents
	if err := strict.DecodeJSON(body, &c, strict.IgnoreUnknown); err != nil {
		return malformed("has a member of another type than it should", err)
	}
	if c.ClientID != id.url {
		return malformed("belongs to another client_id than its own address", nil)
	}
	m, err := c.Published(c.AuthMethods)
	if err == nil {
		m, err = m.Accepted(oauth.RedirectPolicy{Issuer: id.issuer, Most: maxRedirectURIs})
	}
	switch {
	case err != nil:
		return malformed("cannot be used here: "+httperr.Of(err).Description, err)
	case m.ClientName == "":
		return malformed("has no client_name", nil)
	}
	return Document{Metadata: m, Digest: credential.Hash(string(body))}, nil
}
