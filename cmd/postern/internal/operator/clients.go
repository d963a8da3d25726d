package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

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

// clientView is a client as it is shown.
type clientView struct {
	ID             string    `json:"client_id"`
	Document       string    `json:"document"`
	Name           string    `json:"name,omitempty"`
	Kind           string    `json:"kind"`
	AuthMethod     string    `json:"token_endpoint_auth_method"`
	RedirectURIs   []string  `json:"redirect_uris,omitempty"`
	Scope          string    `json:"scope,omitempty"`
	Operator       bool      `json:"operator,omitempty"`
	ResourceServer bool      `json:"resource_server,omitempty"`
	Registered     time.Time `json:"registered"`
	Used           bool      `json:"used"`
	Expiry         time.Time `json:"expiry,omitzero"`
	LiveGrants     *int      `json:"live_grants,omitempty"` // shown for one client
	Secret         string    `json:"client_secret,omitempty"`
}

func viewClient(c store.Client) clientView {
	v := clientView{
		ID: c.ID, Document: store.ClientDocument(c.ID), Name: c.Metadata.ClientName, Kind: "confidential",
		AuthMethod: c.Metadata.TokenEndpointAuthMethod, RedirectURIs: c.Metadata.RedirectURIs, Scope: c.Metadata.Scope,
		Operator: c.Operator, ResourceServer: c.ResourceServer, Registered: c.Registered,
		Used: c.Expiry.IsZero() && !c.Operator, Expiry: c.Expiry,
	}
	switch {
	case c.ResourceServer:
		v.Kind = "resource server"
	case c.Public():
		v.Kind = "public"
	}
	return v
}

// life says in a word how long the client stays.
func (v clientView) life() string {
	switch {
	case v.Operator:
		return "by operator"
	case v.Used:
		return "used"
	case !time.Now().Before(v.Expiry):
		return "expired"
	}
	return "unused until " + short(v.Expiry)
}

// ListClients shows all clients, or only those that never completed a login.
func (op *Operator) ListClients(ctx context.Context, unusedOnly bool) error {
	if op.Sealed != nil {
		return op.listSealed(ctx, store.ClientsCollection)
	}
	views, rows, bad := []clientView{}, [][]string{}, unopened{}
	for c, err := range op.Store.Clients(ctx) {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return err
		}
		v := viewClient(c)
		if unusedOnly && (v.Used || v.Operator) {
			continue
		}
		views = append(views, v)
		rows = append(rows, []string{v.ID, cmp.Or(v.Name, "-"), v.Kind, short(v.Registered), v.life()})
	}
	bad.note(op.Err)
	return op.print(views, []string{"CLIENT", "NAME", "KIND", "REGISTERED", "STATE"}, rows)
}

// listSealed shows what there is without the ring.
func (op *Operator) listSealed(ctx context.Context, collection string) error {
	op.Note()
	views, rows := []sealedView{}, [][]string{}
	for r, err := range op.documents(ctx, collection) {
		if err != nil {
			return err
		}
		v := sealedView{r.Key.ID, r.Document.Index["client"], r.Document.Index["person"]}
		views = append(views, v)
		rows = append(rows, []string{v.Document, cmp.Or(v.Client, "-"), cmp.Or(v.Person, "-")})
	}
	return op.print(views, []string{"DOCUMENT", "CLIENT'S DOCUMENT", "PERSON'S DOCUMENT"}, rows)
}

// client finds a client by its id, or by its document's id, which is what logs have.
func (op *Operator) client(ctx context.Context, id string) (store.Client, error) {
	if err := op.Opened(); err != nil {
		return store.Client{}, err
	}
	c, err := op.Store.Client(ctx, id)
	if !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	for c, err := range op.Store.Clients(ctx) {
		if err == nil && store.ClientDocument(c.ID) == id {
			return op.Store.Client(ctx, c.ID) // which knows whether it has expired
		}
		if err != nil && ctx.Err() != nil {
			return store.Client{}, err
		}
	}
	return store.Client{}, fmt.Errorf("client %s: %w", id, err)
}

// ShowClient shows one client.
func (op *Operator) ShowClient(ctx context.Context, id string) error {
	c, err := op.client(ctx, id)
	if err != nil {
		return err
	}
	live := 0
	for g, err := range op.Store.GrantsOfClient(ctx, store.ClientDocument(c.ID)) {
		if err == nil && !g.Ended(time.Now()) {
			live++
		}
		if err != nil && ctx.Err() != nil {
			return err
		}
	}
	v := viewClient(c)
	v.LiveGrants = &live
	return op.printClient(v)
}

func (op *Operator) printClient(v clientView) error {
	rows := [][]string{
		{"client_id", v.ID}, {"document", v.Document}, {"name", cmp.Or(v.Name, "-")}, {"kind", v.Kind},
		{"auth method", v.AuthMethod}, {"scope", cmp.Or(v.Scope, "-")}, {"registered", short(v.Registered)}, {"state", v.life()},
	}
	for _, uri := range v.RedirectURIs {
		rows = append(rows, []string{"redirect_uri", uri})
	}
	if v.LiveGrants != nil {
		rows = append(rows, []string{"live grants", fmt.Sprint(*v.LiveGrants)})
	}
	if v.Secret != "" {
		rows = append(rows, []string{"client_secret", v.Secret})
	}
	return op.print(v, nil, rows)
}

// A NewClient is a client that the operator registers by hand.
type NewClient struct {
	Name         string
	RedirectURIs []string
	// Confidential gives it a secret.
	Confidential bool
	// ResourceServer lets it introspect every access token, with a secret. It may
	// do without redirect URIs, and then nobody signs in through it.
	ResourceServer bool
}

// placeholder stands for the redirect URI of a client that has none, so that its other
// metadata are checked as everybody's are.
const placeholder = "https://resource-server.invalid/"

// metadata returns the checked metadata.
func (n NewClient) metadata() (oauth.ClientMetadata, error) {
	m := oauth.ClientMetadata{ClientName: strings.TrimSpace(n.Name), RedirectURIs: n.RedirectURIs, TokenEndpointAuthMethod: oauth.AuthMethodNone}
	if n.Confidential || n.ResourceServer {
		m.TokenEndpointAuthMethod = oauth.AuthMethodBasic
	}
	none := len(n.RedirectURIs) == 0 && n.ResourceServer
	if none {
		m.RedirectURIs = []string{placeholder}
	}
	m, err := m.Registered(oauth.RedirectPolicy{})
	if none {
		m.RedirectURIs = nil
	}
	return m, err
}

// AddClient registers a client. It never expires. Its secret, if it has one, is shown
// this once: only a hash of it is kept.
func (op *Operator) AddClient(ctx context.Context, n NewClient) error {
	if err := op.Opened(); err != nil {
		return err
	}
	m, err := n.metadata()
	if err != nil {
		return err
	}
	c := store.Client{ID: credential.New(clientIDPrefix).Reveal(), Metadata: m, Operator: true, ResourceServer: n.ResourceServer}
	secret := ""
	if !c.Public() {
		s := credential.New(clientSecretPrefix)
		c.SecretHash, secret = s.Hash(), s.Reveal()
	}
	if c, err = op.Store.RegisterClient(ctx, c); err != nil {
		return err
	}
	telemetry.Audit(ctx, op.Log, telemetry.ClientRegistered,
		slog.String("client_id", c.ID), slog.String("auth_method", m.TokenEndpointAuthMethod))
	v := viewClient(c)
	v.Secret = secret
	if secret != "" {
		fmt.Fprintln(op.Err, "The secret is shown this once. It cannot be had again.")
	}
	return op.printClient(v)
}

// DeleteClient removes a client, ends its grants and removes its codes. Nothing of it
// works from the first of these steps on, so an interrupted run does no harm.
func (op *Operator) DeleteClient(ctx context.Context, id string) error {
	c, err := op.client(ctx, id)
	if err != nil {
		return err
	}
	if err := op.Store.DeleteClient(ctx, c.ID, nil); err != nil {
		return fmt.Errorf("delete client %s: %w", c.ID, err)
	}
	document := store.ClientDocument(c.ID)
	telemetry.Audit(ctx, op.Log, telemetry.ClientDeleted, slog.String("client_id", c.ID), slog.String("by", "operator"))
	// A record that cannot be read keeps none of the others.
	codes, codesErr := op.removeCodes(ctx, op.Store.CodesOfClient(ctx, document))
	ended, grantsErr := op.endGrants(ctx, op.Store.GrantsOfClient(ctx, document), "client deleted")
	if err := errors.Join(codesErr, grantsErr); err != nil {
		return err
	}
	return op.print(map[string]any{"deleted": c.ID, "grants_ended": ended, "codes_removed": codes}, nil,
		[][]string{{fmt.Sprintf("deleted %s, ended %d grants, removed %d unredeemed codes", c.ID, ended, codes)}})
}

// ClientIDs returns the ids of all clients that can be opened, each with its name
// behind a tab, for completion.
func (op *Operator) ClientIDs(ctx context.Context) []string {
	var ids []string
	for c, err := range op.Store.Clients(ctx) {
		if err == nil {
			ids = append(ids, c.ID+"\t"+plain(c.Name()))
		}
	}
	return ids
}
