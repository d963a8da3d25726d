package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// reasonOperator is the reason of a grant that the operator ended.
const reasonOperator = "revoked by the operator"

// grantView is a grant as it is shown.
type grantView struct {
	ID         string    `json:"grant"`
	Document   string    `json:"document"`
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name,omitempty"`
	Subject    string    `json:"subject"`
	Login      string    `json:"login"`
	AllowedBy  string    `json:"allowed_by"`
	Checked    time.Time `json:"membership_checked"`
	Scope      string    `json:"scope"`
	Resource   string    `json:"resource"`
	Started    time.Time `json:"started"`
	Refreshed  time.Time `json:"refreshed,omitzero"`
	Expiry     time.Time `json:"expiry"`
	State      string    `json:"state"`
	Ended      time.Time `json:"ended,omitzero"`
	Reason     string    `json:"reason,omitempty"`
}

func viewGrant(g store.Grant) grantView {
	v := grantView{
		ID: g.ID, Document: store.GrantDocument(g.ID), ClientID: g.ClientID, ClientName: g.ClientName,
		Subject: g.Person.Subject, Login: g.Person.Login, AllowedBy: g.Person.AllowedBy, Checked: g.Person.Checked,
		Scope: g.Scopes.String(), Resource: g.Resource, Started: g.Started, Refreshed: g.Refreshed, Expiry: g.Expiry,
		State: "live", Ended: g.Revoked, Reason: g.Reason,
	}
	switch {
	case !g.Revoked.IsZero():
		v.State = "revoked"
	case g.Ended(time.Now()):
		v.State = "expired"
	}
	return v
}

// A GrantFilter says which grants are meant. Empty fields mean all.
type GrantFilter struct {
	User   string // login, subject or document
	Client string // id or document
	Ended  bool   // those that have ended as well
}

// ListGrants shows grants.
func (op *Operator) ListGrants(ctx context.Context, f GrantFilter) error {
	if op.Sealed != nil {
		if f != (GrantFilter{}) {
			fmt.Fprintln(op.Err, "Without the ring nobody can tell whose a grant is: all are shown.")
		}
		return op.listSealed(ctx, store.GrantsCollection)
	}
	grants, err := op.selected(ctx, f)
	if err != nil {
		return err
	}
	views, rows, bad := []grantView{}, [][]string{}, unopened{}
	for g, err := range grants {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return err
		}
		v := viewGrant(g)
		if (v.State != "live" && !f.Ended) || (f.Client != "" && f.Client != v.ClientID && f.Client != store.ClientDocument(v.ClientID)) {
			continue
		}
		views = append(views, v)
		rows = append(rows, []string{v.ID, cmp.Or(v.ClientName, v.ClientID), v.Login, short(v.Started), short(v.Refreshed), short(v.Expiry), v.State})
	}
	bad.note(op.Err)
	return op.print(views, []string{"GRANT", "CLIENT", "PERSON", "STARTED", "REFRESHED", "UNTIL", "STATE"}, rows)
}

// selected returns the grants of a person or, if none is named, of a client, or all.
func (op *Operator) selected(ctx context.Context, f GrantFilter) (iter.Seq2[store.Grant, error], error) {
	if f.User != "" {
		p, err := op.person(ctx, f.User)
		if err != nil {
			return nil, err
		}
		return op.Store.GrantsOfPerson(ctx, store.PersonDocument(p.Subject)), nil
	}
	if f.Client != "" && !isDocument(f.Client) {
		return op.Store.GrantsOfClient(ctx, store.ClientDocument(f.Client)), nil
	}
	return op.Store.Grants(ctx), nil
}

// grant finds a grant by its id, or by its document's id.
func (op *Operator) grant(ctx context.Context, id string) (store.Grant, error) {
	if err := op.Opened(); err != nil {
		return store.Grant{}, err
	}
	g, err := op.Store.Grant(ctx, id)
	if errors.Is(err, store.ErrNotFound) && isDocument(id) {
		g, err = op.Store.GrantByDocument(ctx, id)
	}
	if err != nil {
		return store.Grant{}, fmt.Errorf("grant %s: %w", id, err)
	}
	return g, nil
}

// isDocument reports whether id has the form of a document's id: 43 characters.
func isDocument(id string) bool { return len(id) == 43 }

// ShowGrant shows one grant.
func (op *Operator) ShowGrant(ctx context.Context, id string) error {
	g, err := op.grant(ctx, id)
	if err != nil {
		return err
	}
	v := viewGrant(g)
	return op.print(v, nil, [][]string{
		{"grant", v.ID}, {"document", v.Document}, {"state", strings.TrimSpace(v.State + " " + v.Reason)},
		{"client_id", v.ClientID}, {"client", cmp.Or(v.ClientName, "-")}, {"person", v.Login + " (" + v.Subject + ")"},
		{"allowed by", v.AllowedBy + ", looked up " + short(v.Checked)}, {"scope", v.Scope}, {"resource", v.Resource},
		{"started", short(v.Started)}, {"refreshed", short(v.Refreshed)}, {"until", short(v.Expiry)}, {"ended", short(v.Ended)},
	})
}

// RevokeGrant ends one grant.
func (op *Operator) RevokeGrant(ctx context.Context, id string) error {
	g, err := op.grant(ctx, id)
	if err != nil {
		return err
	}
	mine, err := op.end(ctx, g, reasonOperator)
	if err != nil {
		return err
	}
	words := "revoked " + g.ID
	if !mine {
		words = g.ID + " was revoked before"
	}
	return op.print(map[string]any{"grant": g.ID, "revoked": mine}, nil, [][]string{{words}})
}

// RevokeUser ends all grants of a person and removes the codes that could become one.
// Codes go first: one that is redeemed meanwhile is a grant by the time those are read.
func (op *Operator) RevokeUser(ctx context.Context, who string) error {
	if err := op.Opened(); err != nil {
		return err
	}
	p, err := op.person(ctx, who)
	if err != nil {
		return err
	}
	document := store.PersonDocument(p.Subject)
	codes, err := op.removeCodes(ctx, op.Store.CodesOfPerson(ctx, document))
	ended, err2 := op.endGrants(ctx, op.Store.GrantsOfPerson(ctx, document), reasonOperator)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("ended %d grants and removed %d codes, but: %w", ended, codes, err)
	}
	return op.print(map[string]any{"subject": p.Subject, "grants_ended": ended, "codes_removed": codes}, nil,
		[][]string{{fmt.Sprintf("%s (%s): ended %d grants, removed %d unredeemed codes", p.Login, p.Subject, ended, codes)}})
}

// RevokeClient ends all grants of a client, by its id, and removes the codes that could
// become one. It is what there is against a CIMD client, which is registered nowhere
// and so cannot be deleted.
func (op *Operator) RevokeClient(ctx context.Context, id string) error {
	if err := op.Opened(); err != nil {
		return err
	}
	document := store.ClientDocument(id)
	codes, err := op.removeCodes(ctx, op.Store.CodesOfClient(ctx, document))
	ended, err2 := op.endGrants(ctx, op.Store.GrantsOfClient(ctx, document), reasonOperator)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("ended %d grants and removed %d codes, but: %w", ended, codes, err)
	}
	return op.print(map[string]any{"client_id": id, "grants_ended": ended, "codes_removed": codes}, nil,
		[][]string{{fmt.Sprintf("%s: ended %d grants, removed %d unredeemed codes", id, ended, codes)}})
}

// endGrants ends those of grants that live and returns how many. One that cannot be
// opened does not spare the rest.
func (op *Operator) endGrants(ctx context.Context, grants iter.Seq2[store.Grant, error], reason string) (ended int, err error) {
	var bad unopened
	for g, err := range grants {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return ended, err
		}
		if g.Ended(time.Now()) {
			continue
		}
		mine, err := op.end(ctx, g, reason)
		if err != nil {
			return ended, err
		}
		if mine {
			ended++
		}
	}
	return ended, bad.err()
}

// end marks a grant as ended and reports whether it was not before.
func (op *Operator) end(ctx context.Context, g store.Grant, reason string) (mine bool, err error) {
	err = op.Store.RevokeGrant(ctx, g.ID, reason, func(present store.Grant) error {
		mine = present.Revoked.IsZero()
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("revoke grant %s: %w", g.ID, err)
	}
	if mine {
		telemetry.Audit(ctx, op.Log, telemetry.GrantRevoked, slog.String("client_id", g.ClientID),
			slog.String("grant", store.GrantDocument(g.ID)), slog.String("by", "operator"), slog.String("reason", reason))
	}
	return mine, nil
}

// removeCodes removes those of codes that were not redeemed and returns how many.
func (op *Operator) removeCodes(ctx context.Context, codes iter.Seq2[store.StoredCode, error]) (removed int, err error) {
	var bad unopened
	for c, err := range codes {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return removed, err
		}
		if !c.Used.IsZero() {
			continue
		}
		if err := op.Store.RemoveCode(ctx, c.Document); err != nil {
			return removed, fmt.Errorf("remove a code: %w", err)
		}
		removed++
	}
	return removed, bad.err()
}

// GrantIDs returns the ids of all grants that live, each with whose it is behind a tab,
// for completion.
func (op *Operator) GrantIDs(ctx context.Context) []string {
	var ids []string
	for g, err := range op.Store.Grants(ctx) {
		if err == nil && !g.Ended(time.Now()) {
			ids = append(ids, g.ID+"\t"+plain(g.Person.Login+" "+g.ClientName))
		}
	}
	return ids
}
