package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// Builtin returns the tools of this server. To add one, write a function like those
// below and add a line here.
func Builtin(s *store.Store, p upstream.Provider, now func() time.Time) []Tool {
	return []Tool{
		NewTool(sdk.Tool{
			Name: "whoami", Title: "Who am I",
			Description: "Says who is signed in at this server, through which client, and until when.",
			Annotations: readOnly(false),
		}, whoami),
		NewTool(sdk.Tool{
			Name: "profile", Title: "My profile",
			Description: "Reads the signed-in person's own profile at the identity provider.",
			Annotations: readOnly(true),
		}, profiles{s, p}.read),
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

// profiles reads profiles with the token that the person's own sign-in left, at the
// one host of the configuration. The caller's token goes nowhere (MP-15, AT-04).
type profiles struct {
	store    *store.Store
	provider upstream.Provider
}

const (
	signInAgain = Problem("the identity provider does not accept the kept sign-in: try again later, " +
		"and if it stays so, remove the connection in your client and sign in again")
	notNow = Problem("the identity provider could not be asked right now: try again later")
)

func (p profiles) read(ctx context.Context, c Caller, _ None) (upstream.Profile, error) {
	provider, ok := p.provider.(upstream.Profiler)
	if !ok { // the development sign-in knows no more than this
		return upstream.Profile{Subject: c.Person.Subject, Login: c.Person.Login, Name: c.Person.Name}, nil
	}
	token, err := p.token(ctx, c.Person.Subject)
	if err != nil {
		return upstream.Profile{}, err
	}
	profile, err := provider.Profile(ctx, token)
	switch {
	case errors.Is(err, upstream.ErrTokenDead):
		return upstream.Profile{}, signInAgain
	case err != nil:
		return upstream.Profile{}, fmt.Errorf("%w: %w", notNow, err)
	case profile.Subject != c.Person.Subject:
		return upstream.Profile{}, fmt.Errorf("read profile: the token of one person gave the profile of another")
	}
	return profile, nil
}

func (p profiles) token(ctx context.Context, subject string) (upstream.Token, error) {
	account, err := p.store.Account(ctx, subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(account.UpstreamToken) == 0 {
		return upstream.Token{}, signInAgain
	}
	if err != nil {
		return upstream.Token{}, fmt.Errorf("%w: read account: %w", notNow, err)
	}
	return upstream.UnmarshalToken(account.UpstreamToken)
}
