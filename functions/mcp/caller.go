package mcp

import (
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// A Caller is who calls a tool: the person who signed in and the client that they
// allowed, as verified for this request. It holds no token. It must not be changed.
type Caller struct {
	// Person is as of the last sign-in or check. Subject is what to key things by;
	// login, name and e-mail change hands.
	Person store.Person

	ClientID   string
	ClientName string // what the client calls itself, or its id; anybody may claim any name

	// Scopes are what the token allows. Tools that ask for some in [Needs] need not look.
	Scopes oauth.Scopes

	SignedIn   time.Time // when the connection began
	TokenUntil time.Time // when the access token ends
	GrantUntil time.Time // when the connection ends unless it is used; it may slide on

	grantID string
}

func newCaller(c accesstoken.Claims, g store.Grant) Caller {
	name := g.ClientName
	if name == "" {
		name = g.ClientID
	}
	return Caller{
		Person: g.Person, ClientID: g.ClientID, ClientName: name, Scopes: c.Scopes,
		SignedIn: g.Started, TokenUntil: c.Expiry, GrantUntil: g.Expiry, grantID: g.ID,
	}
}

// callerKey is where a TokenInfo holds the Caller.
const callerKey = "postern.caller"

// tokenInfo is the Caller in the SDK's terms.
func (c *Caller) tokenInfo() *auth.TokenInfo {
	return &auth.TokenInfo{
		Scopes: c.Scopes, Expiration: c.TokenUntil, UserID: c.Person.Subject,
		Extra: map[string]any{callerKey: c},
	}
}

// CallerOf returns who sent a request of the SDK, for tools that are written against
// the SDK itself. It is false for a request that did not come through [New].
func CallerOf(r sdk.Request) (Caller, bool) {
	extra := r.GetExtra()
	if extra == nil || extra.TokenInfo == nil {
		return Caller{}, false
	}
	c, ok := extra.TokenInfo.Extra[callerKey].(*Caller)
	if !ok {
		return Caller{}, false
	}
	return *c, true
}
