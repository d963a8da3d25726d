package operator

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Prefixes of what is made here, as for clients that register themselves.
const (
	clientIDPrefix     = "c_"
	clientSecretPrefix = "cs_"
)

// A NewClient is a client that the operator registers by hand.
type NewClient struct {
	Name         string
	RedirectURIs []string
	// Confidential gives it a secret, which it may send by header or body.
	Confidential bool
	// AuthMethod is the one way in which it authenticates; empty says nothing about it.
	AuthMethod string
	// ResourceServer lets it introspect every access token, with a secret. It may
	// do without redirect URIs, and then nobody signs in through it.
	ResourceServer bool
}

// metadata returns the checked metadata.
func (n NewClient) metadata() (oauth.ClientMetadata, error) {
	if len(n.RedirectURIs) == 0 && !n.ResourceServer {
		return oauth.ClientMetadata{}, cli.Usage("say where people may be sent back to: --redirect-uri is missing")
	}
	method, err := n.method()
	if err != nil {
		return oauth.ClientMetadata{}, err
	}
	m := oauth.ClientMetadata{ClientName: n.Name, RedirectURIs: n.RedirectURIs, TokenEndpointAuthMethod: method}
	return checked(m, n.ResourceServer)
}

// method returns how the client authenticates: as the operator said, else by its kind.
func (n NewClient) method() (string, error) {
	secret := n.Confidential || n.ResourceServer
	switch {
	case n.AuthMethod == "" && secret:
		return oauth.AuthMethodBasic, nil
	case n.AuthMethod == "":
		return oauth.AuthMethodNone, nil
	case !slices.Contains(oauth.SupportedAuthMethods(), n.AuthMethod):
		return "", cli.Usage("--auth-method must be one of %s", strings.Join(oauth.SupportedAuthMethods(), ", "))
	case n.AuthMethod == oauth.AuthMethodNone && secret:
		return "", cli.Usage("with --auth-method none a client has no secret: " +
			"leave out --confidential and --resource-server")
	}
	return n.AuthMethod, nil
}

// placeholder stands for the redirect URI of a client that has none, so that its other
// metadata are checked as everybody's are.
const placeholder = "https://resource-server.invalid/"

// checked returns metadata by the rules of registration. A resource server alone may do
// without redirect URIs.
func checked(m oauth.ClientMetadata, resourceServer bool) (oauth.ClientMetadata, error) {
	none := len(m.RedirectURIs) == 0 && resourceServer
	if none {
		m.RedirectURIs = []string{placeholder}
	}
	var p oauth.RedirectPolicy
	if err := allowed(p, m.RedirectURIs); err != nil {
		return m, err
	}
	m, err := m.Accepted(p)
	if none {
		m.RedirectURIs = nil
	}
	return m, err
}

// allowed refuses a list for one URI that the policy forbids: of a client's own list some may
// be left out, not of the operator's.
func allowed(p oauth.RedirectPolicy, uris []string) error {
	for _, uri := range uris {
		if err := p.Check(uri); err != nil {
			return fmt.Errorf("%s: %w", uri, err)
		}
	}
	return nil
}

// AddClient registers a client. It never expires. Its secret, if it has one, is shown
// this once: only a hash of it is kept.
func (op *Operator) AddClient(ctx context.Context, n NewClient) error {
	if err := op.Opened(); err != nil {
		return err
	}
	m, err := n.metadata()
	if err == nil {
		err = allowed(op.policy, n.RedirectURIs)
	}
	if err != nil {
		return err
	}
	c := store.Client{
		ID: credential.New(clientIDPrefix).Reveal(), Metadata: m, Operator: true, ResourceServer: n.ResourceServer,
		AuthMethodSaid: n.AuthMethod != "",
	}
	secret := ""
	if !c.Public() {
		s := credential.New(clientSecretPrefix)
		c.SecretHash, secret = s.Hash(), s.Reveal()
	}
	if c, err = op.Store.RegisterClient(ctx, c); err != nil {
		return err
	}
	telemetry.Audit(ctx, op.log, telemetry.ClientRegistered,
		slog.String("client_id", c.ID), slog.String("auth_method", m.TokenEndpointAuthMethod))
	v := viewClient(c, use{})
	v.Secret = secret
	if secret != "" {
		op.out.Note("The secret is shown this once. It cannot be had again.")
	}
	return op.showClient(v)
}

// A ClientChange is what is to be different about a client.
type ClientChange struct {
	Name         *string  // nil leaves it
	RedirectURIs []string // all of them; nil leaves them
}

// UpdateClient changes a client and shows what it is now. REDIRECT_SCHEMES counts for the
// redirect URIs that are named: a client of before the setting may still be renamed.
func (op *Operator) UpdateClient(ctx context.Context, id string, change ClientChange) error {
	if err := allowed(op.policy, change.RedirectURIs); err != nil {
		return err
	}
	c, err := op.client(ctx, id)
	if err != nil {
		return err
	}
	c, err = op.Store.UpdateClient(ctx, c.ID, func(c *store.Client) (err error) {
		if change.Name != nil {
			c.Metadata.ClientName = *change.Name
		}
		if change.RedirectURIs != nil {
			c.Metadata.RedirectURIs = change.RedirectURIs
		}
		c.Metadata, err = checked(c.Metadata, c.ResourceServer)
		return err
	})
	if err != nil {
		return fmt.Errorf("update client %s: %w", id, err)
	}
	telemetry.Audit(ctx, op.log, telemetry.ClientUpdated, slog.String("client_id", c.ID))
	return op.ShowClient(ctx, c.ID)
}
