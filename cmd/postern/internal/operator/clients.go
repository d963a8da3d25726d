package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// clientView is a client as it is shown.
type clientView struct {
	ID             string    `json:"client_id"`
	Document       string    `json:"document"`
	Name           string    `json:"name,omitempty"`
	Kind           string    `json:"kind"`
	AuthMethod     string    `json:"token_endpoint_auth_method"`
	RedirectURIs   []string  `json:"redirect_uris,omitempty"`
	RedirectHosts  []string  `json:"redirect_hosts,omitempty"`
	Scope          string    `json:"scope,omitempty"`
	Operator       bool      `json:"operator,omitempty"`
	Imported       bool      `json:"imported,omitempty"`
	ResourceServer bool      `json:"resource_server,omitempty"`
	State          string    `json:"state"`
	Registered     time.Time `json:"registered"`
	Used           bool      `json:"used"`
	LastUse        time.Time `json:"last_use,omitzero"`
	Expiry         time.Time `json:"expiry,omitzero"`
	LiveGrants     int       `json:"live_grants"`
	Secret         string    `json:"client_secret,omitempty"`
}

func viewClient(c store.Client, u use) clientView {
	v := clientView{
		ID: c.ID, Document: store.ClientDocument(c.ID), Name: c.Metadata.ClientName, Kind: "confidential",
		AuthMethod: authMethods(c), RedirectURIs: c.Metadata.RedirectURIs,
		RedirectHosts: destinations(c.Metadata.RedirectURIs), Scope: string(c.Metadata.Scope),
		Operator: c.Operator, Imported: c.Imported, ResourceServer: c.ResourceServer,
		State: clientState(c), Registered: c.Registered,
		Used: c.Expiry.IsZero() && !c.Operator, LastUse: u.last, Expiry: c.Expiry, LiveGrants: u.live,
	}
	switch {
	case c.ResourceServer:
		v.Kind = "resource server"
	case c.Public():
		v.Kind = "public"
	}
	return v
}

// authMethods names the ways in which a client may authenticate.
func authMethods(c store.Client) string {
	refused := func(m string) bool { return !c.Accepts(m) }
	return strings.Join(slices.DeleteFunc(oauth.SupportedAuthMethods(), refused), " or ")
}

// clientState says in words how long the client stays.
func clientState(c store.Client) string {
	switch {
	case c.Operator:
		return "by operator"
	case c.Imported:
		return "imported"
	case c.Expiry.IsZero():
		return "used"
	case !time.Now().Before(c.Expiry):
		return "expired"
	}
	return "unused until " + cli.Time(c.Expiry)
}

// destinations returns where people may be sent back to, each place once.
func destinations(uris []string) []string {
	var out []string
	for _, uri := range uris {
		if to := oauth.Destination(uri); !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

func (v clientView) when() time.Time { return v.Registered }

func (v clientView) row() []string {
	return []string{
		v.ID, dash(v.Name), dash(strings.Join(v.RedirectHosts, " ")), v.Kind,
		cli.Time(v.Registered), cli.Time(v.LastUse), v.State,
	}
}

// A ClientFilter says which clients are listed.
type ClientFilter struct {
	Selection
	Unused bool // only those that never completed a login
}

// ListClients shows clients.
func (op *Operator) ListClients(ctx context.Context, f ClientFilter) error {
	if op.Sealed != nil {
		return op.listSealed(ctx, store.ClientsCollection)
	}
	views, bad := []clientView{}, unreadable{}
	uses, err := usesOf(op.Store.Grants(ctx), &bad, func(g store.Grant) string { return g.ClientID })
	if err != nil {
		return err
	}
	for c, err := range readable(op.Store.Clients(ctx), &bad) {
		if err != nil {
			return err
		}
		v := viewClient(c, uses[c.ID])
		if !f.Unused || (!v.Used && !v.Operator) {
			views = append(views, v)
		}
	}
	columns := []string{"CLIENT", "NAME", "REDIRECTS TO", "KIND", "REGISTERED", "LAST USE", "STATE"}
	return list(op, f.Selection, columns, views, bad)
}

// client finds a client by its id, or by its document's id, which is what logs have.
func (op *Operator) client(ctx context.Context, id string) (store.Client, error) {
	if err := op.Opened(); err != nil {
		return store.Client{}, err
	}
	c, err := op.Store.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) && isDocument(id) {
		c, err = op.clientByDocument(ctx, id)
	}
	if err != nil {
		return store.Client{}, fmt.Errorf("client %s: %w", id, err)
	}
	return c, nil
}

// clientByDocument walks over all clients, because none can be opened without its id.
func (op *Operator) clientByDocument(ctx context.Context, document string) (store.Client, error) {
	var bad unreadable
	for c, err := range readable(op.Store.Clients(ctx), &bad) {
		if err != nil {
			return store.Client{}, err
		}
		if store.ClientDocument(c.ID) == document {
			return op.Store.Client(ctx, c.ID) // which knows whether it has expired
		}
	}
	if err := bad.err("it may be one of them"); err != nil {
		return store.Client{}, err
	}
	return store.Client{}, store.ErrNotFound
}

// clientDocument finds the document of a client by its id or by the document's, of one that
// is registered nowhere by what it was allowed.
func (op *Operator) clientDocument(ctx context.Context, id string) (string, error) {
	for _, document := range []string{store.ClientDocument(id), id} {
		var bad unreadable
		for _, err := range readable(op.Store.GrantsOfClient(ctx, document), &bad) {
			return document, err
		}
		for _, err := range readable(op.Store.CodesOfClient(ctx, document), &bad) {
			return document, err
		}
		if bad.n > 0 {
			return document, nil
		}
	}
	c, err := op.client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: nobody of that id is registered, or was allowed anything", err)
	}
	return store.ClientDocument(c.ID), err
}

// ShowClient shows one client.
func (op *Operator) ShowClient(ctx context.Context, id string) error {
	c, err := op.client(ctx, id)
	if err != nil {
		return err
	}
	var bad unreadable
	u, err := op.useOfClient(ctx, c.ID, &bad)
	if err != nil {
		return err
	}
	op.out.Unreadable(bad.n)
	return errors.Join(op.showClient(viewClient(c, u)), bad.err("so its grants and its last use may be others"))
}

func (op *Operator) useOfClient(ctx context.Context, id string, bad *unreadable) (use, error) {
	all := func(store.Grant) string { return "" }
	uses, err := usesOf(op.Store.GrantsOfClient(ctx, store.ClientDocument(id)), bad, all)
	return uses[""], err
}

func (op *Operator) showClient(v clientView) error {
	rows := [][]string{
		{"client_id", v.ID}, {"document", v.Document}, {"name", dash(v.Name)}, {"kind", v.Kind},
		{"auth method", v.AuthMethod}, {"scope", dash(v.Scope)}, {"registered", cli.Time(v.Registered)},
		{"last use", cli.Time(v.LastUse)}, {"state", v.State}, {"live grants", fmt.Sprint(v.LiveGrants)},
	}
	for _, uri := range v.RedirectURIs {
		rows = append(rows, []string{"redirect_uri", uri})
	}
	if v.Secret != "" {
		rows = append(rows, []string{"client_secret", v.Secret})
	}
	return op.out.Show([]any{v}, nil, rows)
}

// DeleteClient removes a client, ends its grants and removes its codes. Nothing of it
// works from the first of these steps on, so an interrupted run does no harm.
func (op *Operator) DeleteClient(ctx context.Context, id string, yes bool) error {
	c, err := op.client(ctx, id)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete the client %s (%s) and end all its grants?", c.Name(), c.ID)
	if err := op.out.Confirm(yes, question); err != nil {
		return err
	}
	if err := op.Store.DeleteClient(ctx, c.ID, nil); err != nil {
		return fmt.Errorf("delete client %s: %w", c.ID, err)
	}
	telemetry.Audit(ctx, op.log, telemetry.ClientDeleted, slog.String("client_id", c.ID), slog.String("by", "operator"))
	ended, err := op.endOfClient(ctx, store.ClientDocument(c.ID), "client deleted")
	return errors.Join(err, op.out.Say(struct {
		Deleted string `json:"deleted"`
		ending
	}{c.ID, ended}, "deleted %s, %s", c.ID, ended))
}

// ClientIDs returns the ids of all clients that can be opened, each with its name
// behind a tab, for completion.
func (op *Operator) ClientIDs(ctx context.Context) []string {
	var ids []string
	for c, err := range op.Store.Clients(ctx) {
		if err == nil {
			ids = append(ids, c.ID+"\t"+cli.Plain(c.Name()))
		}
	}
	return ids
}

// A use is what is known of a client or a person from their grants.
type use struct {
	live int
	last time.Time // of a sign-in or refresh
}

// usesOf gathers the use of grants by what key returns.
func usesOf(grants grantSeq, bad *unreadable, key func(store.Grant) string) (map[string]use, error) {
	uses := map[string]use{}
	for g, err := range readable(grants, bad) {
		if err != nil {
			return nil, err
		}
		u := uses[key(g)]
		if !g.Ended(time.Now()) {
			u.live++
		}
		u.last = newest(u.last, g.Started, g.Refreshed)
		uses[key(g)] = u
	}
	return uses, nil
}
