package oauth

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Grant types (RFC 6749 §4.1, §6).
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
)

// ResponseTypeCode is the only response type (RFC 6749 §3.1.1).
const ResponseTypeCode = "code"

// Token endpoint authentication methods (RFC 7591 §2).
const (
	AuthMethodNone  = "none"
	AuthMethodBasic = "client_secret_basic"
	AuthMethodPost  = "client_secret_post"
)

// SupportedGrantTypes returns the grants of the token endpoint.
func SupportedGrantTypes() []string { return []string{GrantAuthorizationCode, GrantRefreshToken} }

// SupportedAuthMethods returns how clients may authenticate at the token endpoint.
func SupportedAuthMethods() []string {
	return []string{AuthMethodNone, AuthMethodBasic, AuthMethodPost}
}

// ClientMetadata is what a client says of itself (RFC 7591 §2). Members that are
// not listed here are neither kept nor returned.
type ClientMetadata struct {
	RedirectURIs            []string `json:"redirect_uris,omitempty"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method,omitempty"`
	GrantTypes              []string `json:"grant_types,omitempty"`
	ResponseTypes           []string `json:"response_types,omitempty"`
	ClientName              string   `json:"client_name,omitempty"`
	ClientURI               string   `json:"client_uri,omitempty"`
	LogoURI                 string   `json:"logo_uri,omitempty"`
	TOSURI                  string   `json:"tos_uri,omitempty"`
	PolicyURI               string   `json:"policy_uri,omitempty"`
	Contacts                []string `json:"contacts,omitempty"`
	Scope                   string   `json:"scope,omitempty"`
	ApplicationType         string   `json:"application_type,omitempty"`
	SoftwareID              string   `json:"software_id,omitempty"`
	SoftwareVersion         string   `json:"software_version,omitempty"`

	// JWKS is only looked at: a registration that hands us private keys is refused.
	JWKS json.RawMessage `json:"jwks,omitempty"`
}

// Registered returns the metadata as it is registered: defaults filled in, what we
// do not have left out (RFC 7591 §3.2.1 lets a server replace values), or the
// refusal that names the member to change.
func (m ClientMetadata) Registered(p RedirectPolicy) (ClientMetadata, error) {
	if err := m.checkRedirects(p); err != nil {
		return m, err
	}
	if err := m.checkTexts(); err != nil {
		return m, err
	}
	if err := m.checkJWKS(); err != nil {
		return m, err
	}
	m.JWKS = nil
	if err := m.settleGrants(); err != nil {
		return m, err
	}
	if err := m.settleAuthMethod(p); err != nil {
		return m, err
	}
	scopes, err := ParseScopes(m.Scope)
	if err != nil {
		return m, Refuse(InvalidClientMetadata, "scope must be words separated by spaces")
	}
	m.Scope = scopes.Effective().String()
	return m, nil
}

func (m ClientMetadata) checkRedirects(p RedirectPolicy) error {
	if len(m.RedirectURIs) == 0 {
		return Refuse(InvalidRedirectURI, "redirect_uris is missing: register at least one")
	}
	if len(m.RedirectURIs) > MaxRedirectURIs {
		return Refuse(InvalidRedirectURI, "redirect_uris may have at most %d entries", MaxRedirectURIs)
	}
	for _, uri := range m.RedirectURIs {
		if err := p.Check(uri); err != nil {
			return err
		}
	}
	return nil
}

func (m ClientMetadata) checkTexts() error {
	texts := []struct {
		name, value string
		max         int
	}{
		{"client_name", m.ClientName, 100},
		{"software_id", m.SoftwareID, 200},
		{"software_version", m.SoftwareVersion, 100},
		{"application_type", m.ApplicationType, 20},
	}
	for _, contact := range m.Contacts {
		texts = append(texts, struct {
			name, value string
			max         int
		}{"contacts", contact, 200})
	}
	for _, t := range texts {
		if utf8.RuneCountInString(t.value) > t.max || !plainText(t.value) {
			return Refuse(InvalidClientMetadata, "%s must be plain text of at most %d characters without control, direction or invisible characters", t.name, t.max)
		}
	}
	if len(m.Contacts) > 10 {
		return Refuse(InvalidClientMetadata, "contacts may have at most 10 entries")
	}
	for _, page := range [][2]string{{"client_uri", m.ClientURI}, {"logo_uri", m.LogoURI}, {"tos_uri", m.TOSURI}, {"policy_uri", m.PolicyURI}} {
		if page[1] != "" && !webPage(page[1]) {
			return Refuse(InvalidClientMetadata, "%s must be an https URL, or be left out", page[0])
		}
	}
	return nil
}

// checkJWKS refuses private key members. The keys themselves are not kept: no
// authentication method here uses them.
func (m ClientMetadata) checkJWKS() error {
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if len(m.JWKS) == 0 || string(m.JWKS) == "null" {
		return nil
	}
	if err := json.Unmarshal(m.JWKS, &set); err != nil {
		return Refuse(InvalidClientMetadata, "jwks must be a JSON Web Key Set object")
	}
	for _, key := range set.Keys {
		for _, private := range []string{"d", "p", "q", "k", "dp", "dq", "qi", "oth"} {
			if _, ok := key[private]; ok {
				return Refuse(InvalidClientMetadata, "jwks holds a private key: register public keys only, and consider that key lost")
			}
		}
	}
	return nil
}

// settleGrants keeps the grant and response types that we have. Clients list
// device codes and more; that is no reason to turn them away.
func (m *ClientMetadata) settleGrants() error {
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = SupportedGrantTypes()
	}
	m.GrantTypes = intersect(SupportedGrantTypes(), m.GrantTypes)
	if !slices.Contains(m.GrantTypes, GrantAuthorizationCode) {
		return Refuse(InvalidClientMetadata, "grant_types must contain authorization_code")
	}
	if len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, ResponseTypeCode) {
		return Refuse(InvalidClientMetadata, "response_types must contain code")
	}
	m.ResponseTypes = []string{ResponseTypeCode}
	return nil
}

// settleAuthMethod keeps the method asked for. A client that asks for none in
// particular is public when it runs on the person's machine, where no secret keeps,
// and otherwise has the default of RFC 7591 §2.
func (m *ClientMetadata) settleAuthMethod(p RedirectPolicy) error {
	switch {
	case slices.Contains(SupportedAuthMethods(), m.TokenEndpointAuthMethod):
		return nil
	case m.TokenEndpointAuthMethod != "":
		return Refuse(InvalidClientMetadata, "token_endpoint_auth_method must be one of %s", strings.Join(SupportedAuthMethods(), ", "))
	}
	m.TokenEndpointAuthMethod = AuthMethodBasic
	for _, uri := range m.RedirectURIs {
		if r, err := p.Match(m.RedirectURIs, uri); err == nil && (r.Loopback() || r.PrivateUse()) {
			m.TokenEndpointAuthMethod = AuthMethodNone
		}
	}
	return nil
}

// webPage recognises an absolute https URL that is safe to show.
func webPage(s string) bool {
	if len(s) > MaxRedirectURILength || !plainText(s) || strings.ContainsAny(s, " \"<>\\^`{|}") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

// plainText refuses what could dress one text up as another: control characters,
// direction overrides, zero-width and other characters that show as nothing, broken UTF-8.
func plainText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) {
			return false
		}
	}
	return true
}

func intersect(ours, theirs []string) []string {
	var out []string
	for _, s := range ours {
		if slices.Contains(theirs, s) {
			out = append(out, s)
		}
	}
	return out
}
