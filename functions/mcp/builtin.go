package mcp

import (
	"context"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/version"
)

// Builtin describes the server that is served where nobody brings another: two tools that
// show that a sign-in works.
func Builtin(d Deps) Server {
	return Server{
		Name: "postern", Version: version.String(),
		Parts: []Part{
			NewTool(sdk.Tool{
				Name: "whoami", Title: "Who am I",
				Description: "Says who is signed in at this server, through which client, and until when.",
				Annotations: readOnly(false),
			}, whoami),
			NewTool(sdk.Tool{
				Name: "profile", Title: "My profile",
				Description: "Reads the signed-in person's own profile at the identity provider.",
				Annotations: readOnly(true),
			}, func(ctx context.Context, c Caller, _ None) (upstream.Profile, error) { return d.Profile(ctx, c) }),
		},
	}
}

// readOnly says that a tool changes nothing and may be repeated (MP-16). Outside tells
// whether it asks other servers.
func readOnly(outside bool) *sdk.ToolAnnotations {
	return &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &outside}
}

// None is the input of a tool that takes no arguments.
type None struct{}

// A WhoAmI is the result of the tool whoami.
type WhoAmI struct {
	Subject string `json:"subject" jsonschema:"the person: the provider's name and its id, which never changes"`
	Login   string `json:"login" jsonschema:"the account's name of today"`
	Name    string `json:"name,omitempty" jsonschema:"what the person wants to be called"`

	ClientID   string       `json:"client_id" jsonschema:"the client program's id"`
	ClientName string       `json:"client_name" jsonschema:"what the client program calls itself"`
	Scopes     oauth.Scopes `json:"scopes" jsonschema:"what the access token allows"`

	SignedInSince    time.Time `json:"signed_in_since" jsonschema:"when this connection was made"`
	AccessTokenUntil time.Time `json:"access_token_until" jsonschema:"when the access token ends; the client gets a new one by itself"`
	GrantUntil       time.Time `json:"grant_until" jsonschema:"when the connection ends if it is not used"`
}

func whoami(_ context.Context, c Caller, _ None) (WhoAmI, error) {
	return WhoAmI{
		Subject: c.Person.Subject, Login: c.Person.Login, Name: c.Person.Name,
		ClientID: c.ClientID, ClientName: c.ClientName, Scopes: c.Scopes,
		SignedInSince: c.SignedIn, AccessTokenUntil: c.TokenUntil, GrantUntil: c.GrantUntil,
	}, nil
}
