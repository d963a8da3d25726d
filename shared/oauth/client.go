package oauth

import (
	"encoding/json"
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

// ClientMetadata is what counts here of what a client says of itself, in a registration
// (RFC 7591 §2) or in a document that it publishes (client ID metadata documents §4.1).
// These members are used or shown. All others are neither, so whatever they hold, in
// whatever form, is not looked at, not kept and not answered.
type ClientMetadata struct {
	RedirectURIs            []string  `json:"redirect_uris,omitempty"`
	TokenEndpointAuthMethod string    `json:"token_endpoint_auth_method,omitempty"`
	GrantTypes              []string  `json:"grant_types,omitempty"`
	ResponseTypes           []string  `json:"response_types,omitempty"`
	ClientName              string    `json:"client_name,omitempty"`
	Scope                   ScopeText `json:"scope,omitempty"`
}

// A ScopeText is a scope as clients write it: words separated by spaces. Some write a
// list of words; it is read as the text that it stands for.
type ScopeText string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *ScopeText) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(s))
	}
	var words []string
	err := json.Unmarshal(data, &words)
	*s = ScopeText(strings.Join(words, " "))
	return err
}

// Accepted returns the metadata as they count from now on, or the refusal that names the
// member to change. Defaults are filled in and what we do not have is left out: grant
// types, scopes, redirect URIs that the policy forbids, characters of a name that are not
// shown. A registration is answered with what is left (RFC 7591 §3.2.1).
func (m ClientMetadata) Accepted(p RedirectPolicy) (ClientMetadata, error) {
	if err := m.settleRedirects(p); err != nil {
		return m, err
	}
	if err := m.settleGrants(); err != nil {
		return m, err
	}
	if err := m.settleAuthMethod(p); err != nil {
		return m, err
	}
	m.ClientName = shown(m.ClientName)
	m.Scope = ScopeText(p.Scopes.Granted(strings.Fields(string(m.Scope))).String())
	return m, nil
}

// settleRedirects keeps the redirect URIs that the policy allows. If there is none, the
// first one says why.
func (m *ClientMetadata) settleRedirects(p RedirectPolicy) error {
	refusal := Refuse(InvalidRedirectURI, "redirect_uris is missing: register at least one")
	var kept []string
	for i, uri := range withoutEmpty(m.RedirectURIs) {
		switch err := p.Check(uri); {
		case err == nil:
			kept = append(kept, uri)
		case i == 0:
			refusal = err
		}
	}
	if len(kept) == 0 {
		return refusal
	}
	if most := p.most(); len(kept) > most {
		return Refuse(InvalidRedirectURI, "redirect_uris may have at most %d entries", most)
	}
	m.RedirectURIs = kept
	return nil
}

// settleGrants keeps the grant and response types that we have. Clients list
// device codes and more; that is no reason to turn them away.
func (m *ClientMetadata) settleGrants() error {
	asked, responses := withoutEmpty(m.GrantTypes), withoutEmpty(m.ResponseTypes)
	if len(asked) == 0 {
		asked = SupportedGrantTypes()
	}
	m.GrantTypes = intersect(SupportedGrantTypes(), asked)
	if !slices.Contains(m.GrantTypes, GrantAuthorizationCode) {
		return Refuse(InvalidClientMetadata, "grant_types must contain authorization_code")
	}
	if len(responses) > 0 && !slices.Contains(responses, ResponseTypeCode) {
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
		return Refuse(InvalidClientMetadata, "token_endpoint_auth_method must be one of %s",
			strings.Join(SupportedAuthMethods(), ", "))
	}
	m.TokenEndpointAuthMethod = AuthMethodBasic
	for _, uri := range m.RedirectURIs {
		if r, err := p.Match(m.RedirectURIs, uri); err == nil && (r.Loopback() || r.PrivateUse()) {
			m.TokenEndpointAuthMethod = AuthMethodNone
		}
	}
	return nil
}

// maxName is how much of a client's name is shown, in characters.
const maxName = 100

// maxMarks is how many marks one letter may carry: more than any language stacks.
const maxMarks = 4

// shown returns a client's name as it is shown: one line of at most [maxName] characters.
// What could dress it up as another text is taken out: control characters, direction
// overrides, whatever shows as nothing, such as joiners and soft hyphens, and towers of
// marks, which would cover the lines above and below.
func shown(name string) string {
	marks := 0
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2800': // Braille without a dot shows as a space
			marks = 0
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		case !unicode.In(r, unicode.Mn, unicode.Me):
			marks = 0
		case marks == maxMarks:
			return -1
		default:
			marks++
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.Join(strings.Fields(name), " ")
	if utf8.RuneCountInString(name) <= maxName {
		return name
	}
	return strings.TrimSpace(string([]rune(name)[:maxName-1])) + "…"
}

// withoutEmpty returns the entries that stand for something. A null in an array is an
// empty text to encoding/json.
func withoutEmpty(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
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
