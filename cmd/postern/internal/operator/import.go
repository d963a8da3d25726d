package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A Newcomer is a client that registered with another server.
type Newcomer struct {
	Document   string // what that server's store calls it
	ID         string // its client_id, empty if it is not known
	Metadata   oauth.ClientMetadata
	Secret     credential.Secret // zero if it has none, or if that server kept none
	MethodSaid bool              // as [store.Client.AuthMethodSaid]
	Skipped    error             // why it cannot come, nil if it can
}

// What becomes of a newcomer.
const (
	comes   = "comes"
	came    = "came"
	isHere  = "already here"
	skipped = "skipped"
)

// importView is a newcomer as it is shown.
type importView struct {
	ID            string   `json:"client_id"`
	Document      string   `json:"document"`
	Name          string   `json:"name,omitempty"`
	Kind          string   `json:"kind,omitempty"`
	AuthMethod    string   `json:"token_endpoint_auth_method,omitempty"`
	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	RedirectHosts []string `json:"redirect_hosts,omitempty"`
	State         string   `json:"state"`
	Reason        string   `json:"reason,omitempty"`
}

func (v importView) row() []string {
	state := v.State
	if v.Reason != "" {
		state += ": " + v.Reason
	}
	return []string{v.ID, dash(v.Name), dash(strings.Join(v.RedirectHosts, " ")), dash(v.Kind), state}
}

// ImportClients brings clients over, or, without apply, says what would become of them. It may
// be done again, whole or after an interruption: who is here already stays as they are.
func (op *Operator) ImportClients(ctx context.Context, newcomers []Newcomer, apply bool) error {
	if err := op.Opened(); err != nil {
		return err
	}
	counts, failed := map[string]int{}, error(nil)
	var items []any
	var rows [][]string
	for _, n := range newcomers {
		v, err := op.importClient(ctx, n, apply)
		if err != nil {
			failed = fmt.Errorf("client %s: %w", n.ID, err)
			break
		}
		counts[v.State]++
		items, rows = append(items, v), append(rows, v.row())
	}
	columns := []string{"CLIENT", "NAME", "REDIRECTS TO", "KIND", "STATE"}
	err := errors.Join(failed, op.out.Show(items, columns, rows))
	done := came
	if !apply {
		done = comes
		op.out.Note("Nothing was written: add --apply to bring them over.")
	}
	op.out.Note("%s: %d %s, %d %s, %d %s", cli.Count(len(newcomers), "document", "documents"),
		counts[done], done, counts[isHere], isHere, counts[skipped], skipped)
	return err
}

// importClient brings one client over. What its server stored is held to the rules that
// registration has now.
func (op *Operator) importClient(ctx context.Context, n Newcomer, apply bool) (importView, error) {
	c, dropped, err := op.accept(n)
	v := importView{ID: c.ID, Document: n.Document, Name: c.Metadata.ClientName, State: comes}
	if err != nil {
		v.ID, v.State, v.Reason = cmp.Or(n.ID, n.Document), skipped, err.Error()
		return v, nil
	}
	shown := viewClient(c, use{})
	v.Kind, v.AuthMethod = shown.Kind, shown.AuthMethod
	v.RedirectURIs, v.RedirectHosts = shown.RedirectURIs, shown.RedirectHosts
	if len(dropped) > 0 {
		v.Reason = "without " + strings.Join(dropped, ", ")
	}
	switch _, err := op.Store.Client(ctx, c.ID); {
	case err == nil:
		v.State, v.Reason = isHere, ""
		return v, nil
	case !errors.Is(err, store.ErrNotFound):
		return v, err
	case !apply:
		return v, nil
	}
	switch _, err := op.Store.RegisterClient(ctx, c); {
	case errors.Is(err, driver.ErrExists): // another run was quicker, or the id is one that expired
		v.State = isHere
	case err != nil:
		return v, err
	default:
		v.State = came
		telemetry.Audit(ctx, op.log, telemetry.ClientRegistered, slog.String("client_id", c.ID),
			slog.String("auth_method", c.Metadata.TokenEndpointAuthMethod))
	}
	return v, nil
}

// accept returns the client that a newcomer becomes, and the redirect URIs that the policy
// refuses, each with the reason.
func (op *Operator) accept(n Newcomer) (c store.Client, dropped []string, err error) {
	if n.Skipped != nil {
		return c, nil, n.Skipped
	}
	m, err := n.Metadata.Accepted(op.policy)
	if err != nil {
		return c, nil, err
	}
	for _, uri := range n.Metadata.RedirectURIs {
		if err := op.policy.Check(uri); err != nil {
			dropped = append(dropped, fmt.Sprintf("%s (%s)", uri, err))
		}
	}
	c = store.Client{ID: n.ID, Metadata: m, Imported: true, AuthMethodSaid: n.MethodSaid}
	if !c.Public() {
		c.SecretHash = n.Secret.Hash()
	}
	return c, dropped, nil
}
