package register

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
)

// Values of application_type (OpenID Connect Dynamic Client Registration 1.0 §2).
const (
	applicationNative = "native"
	applicationWeb    = "web"
)

// A submission holds the members of a registration's body that are looked at. Members that
// only we may set, such as client_id, are not among them: they are ignored like unknown ones.
type submission struct {
	metadata oauth.ClientMetadata
	keys     struct {
		// JWKSURI is refused beside jwks, and else neither kept nor fetched.
		JWKSURI string `json:"jwks_uri"`
	}
}

// read decodes the body of r, and its other members into more. Whatever is wrong with the
// body is invalid_client_metadata (RFC 7591 §3.2.2).
func (s *submission) read(r *http.Request, more ...any) error {
	var text json.RawMessage
	if err := strict.ReadJSON(r, &text); err != nil {
		v := httperr.Of(err)
		return httperr.Status(v.Status, oauth.Refuse(oauth.InvalidClientMetadata, "%s", v.Description))
	}
	for _, dst := range append(more, &s.metadata, &s.keys) {
		if err := strict.DecodeJSON(text, dst, strict.IgnoreUnknown); err != nil {
			return oauth.Refuse(oauth.InvalidClientMetadata, "the body: %s", err)
		}
	}
	return nil
}

// registered returns the metadata as it is to be kept, defaults filled in.
func (s *submission) registered(p oauth.RedirectPolicy) (oauth.ClientMetadata, error) {
	jwks := s.metadata.JWKS
	if len(jwks) > 0 && string(jwks) != "null" && s.keys.JWKSURI != "" {
		return oauth.ClientMetadata{}, oauth.Refuse(oauth.InvalidClientMetadata, "send jwks or jwks_uri, never both")
	}
	m, err := tidy(s.metadata).Registered(p)
	if err != nil {
		return m, err
	}
	return m, checkApplicationType(m)
}

// tidy takes out what stands for nothing. Clients send empty texts and null for what
// they do not have, and encoding/json makes a null in an array an empty text; none of
// it may come back in an answer, where other clients stumble over it.
func tidy(m oauth.ClientMetadata) oauth.ClientMetadata {
	m.RedirectURIs = withoutEmpty(m.RedirectURIs)
	m.GrantTypes = withoutEmpty(m.GrantTypes)
	m.ResponseTypes = withoutEmpty(m.ResponseTypes)
	m.Contacts = withoutEmpty(m.Contacts)
	m.ClientName = strings.TrimSpace(m.ClientName)
	if m.ApplicationType != applicationNative && m.ApplicationType != applicationWeb {
		m.ApplicationType = ""
	}
	return m
}

func withoutEmpty(list []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// checkApplicationType holds a client that calls itself a web server's to https. A
// native one may have https too (RFC 8252 §7.2), and editors do. One that says
// nothing is judged by its redirect URIs alone.
func checkApplicationType(m oauth.ClientMetadata) error {
	if m.ApplicationType != applicationWeb {
		return nil
	}
	for _, uri := range m.RedirectURIs {
		if !strings.HasPrefix(uri, "https://") {
			return oauth.Refuse(oauth.InvalidRedirectURI,
				"redirect_uris of application_type web use https: "+
					"send native for an app on the person's machine, or leave it out")
		}
	}
	return nil
}
