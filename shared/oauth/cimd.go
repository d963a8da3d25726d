package oauth

import (
	"slices"
	"strings"
)

// Published returns metadata of a document that a client publishes (client ID metadata
// documents §4.1) with the authentication method settled on none, the one method that
// needs nothing we would have had to hand out or to keep. offered is what the client
// lists beside token_endpoint_auth_method, which is then no more than a preference. The
// rest is decided by [ClientMetadata.Accepted], as for every client.
func (m ClientMetadata) Published(offered []string) (ClientMetadata, error) {
	method := m.TokenEndpointAuthMethod
	switch {
	case strings.HasPrefix(method, "client_secret_"):
		return m, Refuse(InvalidClientMetadata,
			"token_endpoint_auth_method needs a secret, which nobody can publish: offer none")
	case method == AuthMethodNone, slices.Contains(offered, AuthMethodNone), method == "" && len(offered) == 0:
		m.TokenEndpointAuthMethod = AuthMethodNone
		return m, nil
	}
	return m, Refuse(InvalidClientMetadata, "token_endpoint_auth_method none is the only one for such clients here: "+
		"offer it in token_endpoint_auth_methods_supported")
}
