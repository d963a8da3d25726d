package oauth

import (
	"slices"
	"strings"
)

// maxCIMDRedirectURIs is more than a registration may have: a published document
// serves every server and is stored at none.
const maxCIMDRedirectURIs = 100

// CIMD returns what counts here of metadata that a CIMD client publishes for every
// server (client ID metadata documents §4.1): what we do not have is left out, or the
// refusal names the member to change. offered is what the client lists beside
// token_endpoint_auth_method, which is then no more than a preference.
//
// It differs from [ClientMetadata.Registered] where a document for all cannot be
// answered: redirect URIs that the policy forbids are dropped, unless none is left, and
// members that are not used here are not looked at.
func (m ClientMetadata) CIMD(p RedirectPolicy, offered []string) (ClientMetadata, error) {
	out := ClientMetadata{
		ClientName: strings.TrimSpace(m.ClientName), GrantTypes: m.GrantTypes, ResponseTypes: m.ResponseTypes,
		Scope: m.Scope, JWKS: m.JWKS, TokenEndpointAuthMethod: AuthMethodNone,
	}
	if err := m.checkCIMDMethod(offered); err != nil {
		return out, err
	}
	if len(m.RedirectURIs) > maxCIMDRedirectURIs {
		return out, Refuse(InvalidRedirectURI, "redirect_uris may have at most %d entries", maxCIMDRedirectURIs)
	}
	refusal := Refuse(InvalidRedirectURI, "redirect_uris is missing")
	for _, uri := range m.RedirectURIs {
		err := p.Check(uri)
		if err != nil {
			refusal = err
			continue
		}
		out.RedirectURIs = append(out.RedirectURIs, uri)
	}
	if len(out.RedirectURIs) == 0 {
		return out, refusal
	}
	if err := out.checkTexts(); err != nil {
		return out, err
	}
	if err := out.checkJWKS(); err != nil {
		return out, err
	}
	out.JWKS = nil
	if err := out.settleGrants(); err != nil {
		return out, err
	}
	scopes, err := ParseScopes(m.Scope)
	if err != nil {
		return out, Refuse(InvalidClientMetadata, "scope must be words separated by spaces")
	}
	out.Scope = scopes.Effective().String()
	return out, nil
}

// checkCIMDMethod settles on none, the one method here that needs nothing we would
// have had to hand out or to keep.
func (m ClientMetadata) checkCIMDMethod(offered []string) error {
	method := m.TokenEndpointAuthMethod
	switch {
	case strings.HasPrefix(method, "client_secret_"):
		return Refuse(InvalidClientMetadata, "token_endpoint_auth_method needs a secret, which nobody can publish: offer none")
	case method == AuthMethodNone, slices.Contains(offered, AuthMethodNone), method == "" && len(offered) == 0:
		return nil
	}
	return Refuse(InvalidClientMetadata, "token_endpoint_auth_method none is the only one for such clients here: offer it in token_endpoint_auth_methods_supported")
}
