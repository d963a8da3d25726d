package store

import (
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
)

// The collections.
const (
	ClientsCollection  = "clients"
	CodesCollection    = "codes"
	GrantsCollection   = "grants"
	PeopleCollection   = "people"
	RefusalsCollection = "refusals"
)

// Collections returns the names of all collections, in the order in which the
// operator's commands walk them.
func Collections() []string {
	return []string{ClientsCollection, CodesCollection, GrantsCollection, PeopleCollection, RefusalsCollection}
}

// A Client is an OAuth client as this server knows it. A registered client (RFC 7591) is a
// record of the store. A CIMD client, whose id is the URL of the document that describes it
// (client ID metadata document), is never stored and has ID and Metadata alone: what it
// published travels with its sign-in, as a [CIMDCopy].
type Client struct {
	ID       string               `json:"id"`
	Metadata oauth.ClientMetadata `json:"metadata"`

	// SecretHash is the credential.Hash of the client secret; empty for a public client.
	SecretHash string `json:"secret_hash,omitempty"`

	// RegistrationTokenHash is the credential.Hash of the registration access
	// token (RFC 7592); empty when the client cannot manage itself.
	RegistrationTokenHash string `json:"registration_token_hash,omitempty"`

	// Operator is set for a client that the operator registered by hand.
	Operator bool `json:"operator,omitempty"`

	// Imported is set for a client that the operator brought over from another server, where
	// it registered.
	Imported bool `json:"imported,omitempty"`

	// AuthMethodSaid is set for an operator's client whose method the operator chose, and for
	// an imported one of which it is known. See [Client.Accepts].
	AuthMethodSaid bool `json:"auth_method_said,omitempty"`

	// ResourceServer is set for an operator's client that may introspect every
	// token (RFC 7662), not only its own.
	ResourceServer bool `json:"resource_server,omitempty"`

	Registered time.Time `json:"registered"`

	// Update is the last change that the client made of itself (RFC 7592), nil if there
	// was none.
	Update *Update `json:"update,omitempty"`

	// Expiry is when an unused registration ends. It is zero once the client
	// has completed a login: a used client never expires.
	Expiry time.Time `json:"expiry,omitzero"`
}

// An Update is what is kept of a client's change of itself, so that the request can be
// answered again when its answer was lost.
type Update struct {
	At    time.Time `json:"at"`
	Token string    `json:"token"` // hash of the registration access token that it came with
	Body  string    `json:"body"`  // hash of what was asked, and from where
	Seed  []byte    `json:"seed"`  // 32 bytes, what the token and secret of its answer were derived from
}

// A CIMDCopy is what a CIMD client had published when the person was asked. A
// sign-in is completed by it whatever is published meanwhile (CIMD, Changes in Client
// Metadata). The redirect URI that was asked for is in the request, and then in the code;
// the authentication method of such a client is none.
type CIMDCopy struct {
	Name       string   `json:"n"`
	GrantTypes []string `json:"g"`
	Digest     string   `json:"d"` // of the document, 43 characters
}

// client returns the client of a code that was issued by the copy.
func (p *CIMDCopy) client(c Code) Client {
	return Client{ID: c.ClientID, Metadata: oauth.ClientMetadata{
		ClientName: p.Name, RedirectURIs: []string{c.RedirectURI}, GrantTypes: p.GrantTypes,
		TokenEndpointAuthMethod: oauth.AuthMethodNone,
	}}
}

// Refreshes reports whether the client is registered for refresh tokens.
func (c Client) Refreshes() bool {
	return slices.Contains(c.Metadata.GrantTypes, oauth.GrantRefreshToken)
}

// GetsRefreshToken reports whether its sign-ins bring a refresh token: it registered for that, or
// was granted offline_access.
func (c Client) GetsRefreshToken(offline bool) bool { return offline || c.Refreshes() }

// Public reports whether the client has no secret.
func (c Client) Public() bool { return c.Metadata.TokenEndpointAuthMethod == oauth.AuthMethodNone }

// Accepts reports whether the client may authenticate by method: as it registered.
//
// Where nobody can know how the library at the other end does it, a secret may come in the
// header or in the body: from an operator's client unless the operator said which, and from an
// imported one whose server did not keep what it had told the client. A server that did not
// even keep the secret looked at none; here too, such a client is public, and what it sends
// beside its id proves nothing and is not looked at.
func (c Client) Accepts(method string) bool {
	switch {
	case c.AuthMethodSaid || !c.Operator && !c.Imported:
		return method == c.Metadata.TokenEndpointAuthMethod
	case c.Public():
		return c.Imported || method == oauth.AuthMethodNone
	}
	return method == oauth.AuthMethodBasic || method == oauth.AuthMethodPost
}

// Name returns the client's own name, or its id when it gave none.
func (c Client) Name() string {
	if c.Metadata.ClientName != "" {
		return c.Metadata.ClientName
	}
	return c.ID
}

// A Person is somebody who has signed in, known by the provider's immutable id.
type Person struct {
	// Subject is the provider's name and its id of the person, such as "github:583231".
	Subject string `json:"subject"`
	// Login, Name and Email are for display; they change hands.
	Login string `json:"login"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// Session is the session at the provider in which they signed in, empty if it has none.
	Session string `json:"session,omitempty"`

	// AllowedBy is the rule of ALLOW that let the person in, at Checked.
	AllowedBy string    `json:"allowed_by"`
	Checked   time.Time `json:"checked"`
	// Groups says which of the rules that MCP servers ask about the person fitted then.
	Groups map[string]bool `json:"groups,omitempty"`
}

// An Account is what is kept of a person beyond their grants: the newest upstream
// token, which is evidence of who they are and nothing more.
type Account struct {
	Person
	LastSeen time.Time `json:"last_seen"`

	// UpstreamToken is the provider's token as upstream.Token marshals it, empty
	// when there is none.
	UpstreamToken []byte `json:"upstream_token,omitempty"`
	// Renewal is set while the token is exchanged for a newer one, and after an exchange of
	// which nobody knows how it ended.
	Renewal *Renewal `json:"renewal,omitempty"`
}

// A Code is an authorization code and all that it is bound to (RFC 6749 §4.1.2).
type Code struct {
	ClientID    string          `json:"client_id"`
	RedirectURI string          `json:"redirect_uri"`
	Challenge   oauth.Challenge `json:"challenge"`
	Scopes      oauth.Scopes    `json:"scopes"`
	Resource    string          `json:"resource"`
	Offline     bool            `json:"offline,omitempty"` // offline_access was asked for, and is granted
	Person      Person          `json:"person"`
	Issued      time.Time       `json:"issued"`
	Expiry      time.Time       `json:"expiry"`

	// CIMD is nil for a registered client.
	CIMD *CIMDCopy `json:"published,omitempty"`

	// Callback is the hash of what the identity provider sent the browser back with, by
	// which a repeat of that request is recognised.
	Callback string `json:"callback,omitempty"`

	// Used is when the code was redeemed, zero before.
	Used time.Time `json:"used,omitzero"`
	// Request is the hash of the request that redeemed it, empty if nobody could tell
	// that request from another like it.
	Request string `json:"request,omitempty"`
}

// Alive reports whether the code can be redeemed at now. A code whose expiry is now
// cannot.
func (c Code) Alive(now time.Time) bool { return c.Used.IsZero() && now.Before(c.Expiry) }

// redeemedBy reports whether this very request redeemed the code a moment ago.
func (c Code) redeemedBy(request string, now time.Time) bool {
	return request != "" && request == c.Request && now.Sub(c.Used) < RepeatTime
}

// A Grant is what a person allowed a client: the family of all tokens from one login.
type Grant struct {
	// ID names the grant in access tokens. It is not a credential.
	ID         string       `json:"id"`
	ClientID   string       `json:"client_id"`
	ClientName string       `json:"client_name,omitempty"`
	Public     bool         `json:"public,omitempty"` // the client has no secret
	Person     Person       `json:"person"`
	Scopes     oauth.Scopes `json:"scopes"`
	Resource   string       `json:"resource"`
	Offline    bool         `json:"offline,omitempty"` // as in its code
	// RedirectURI is where the code went, for the person to know the client by.
	RedirectURI string `json:"redirect_uri,omitempty"`
	// CIMD is set for a CIMD client, which is not registered here, so that there is no
	// registration whose end would be the grant's.
	CIMD      bool      `json:"published,omitempty"`
	Started   time.Time `json:"started"`
	Refreshed time.Time `json:"refreshed,omitzero"`

	// Expiry slides forward with each refresh.
	Expiry time.Time `json:"expiry"`

	// Revoked is when the grant was ended before its time, zero while it lives,
	// and Reason a word for the operator.
	Revoked time.Time `json:"revoked,omitzero"`
	Reason  string    `json:"reason,omitempty"`

	// Refresh is nil when the client does not get refresh tokens.
	Refresh *RefreshFamily `json:"refresh,omitempty"`
}

// fresh reports whether nobody has done anything with the grant since its code was redeemed.
func (g Grant) fresh(now time.Time) bool { return !g.Ended(now) && g.Refreshed.IsZero() }

// Ended reports whether the grant is revoked or over at now. A grant whose expiry is
// now has ended.
func (g Grant) Ended(now time.Time) bool { return !g.Revoked.IsZero() || !now.Before(g.Expiry) }

// documentID returns the id of the document of a credential or identifier.
func documentID(s string) string { return credential.Hash(s) }

// ClientDocument returns the document id of a client, by which grants and codes are
// indexed, so that what hangs from a deleted document can be found.
func ClientDocument(clientID string) string { return documentID(clientID) }

// PersonDocument returns the document id of a person.
func PersonDocument(subject string) string { return documentID(subject) }

// GrantDocument returns the document id of a grant.
func GrantDocument(grantID string) string { return documentID(grantID) }
