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

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

type (
	grantSeq = iter.Seq2[store.Grant, error]
	codeSeq  = iter.Seq2[store.StoredCode, error]
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
	LastUse    time.Time `json:"last_use"` // of a sign-in or refresh
	Expiry     time.Time `json:"expiry"`
	State      string    `json:"state"`
	Ended      time.Time `json:"ended,omitzero"`
	Reason     string    `json:"reason,omitempty"`
}

func viewGrant(g store.Grant) grantView {
	v := grantView{
		ID: g.ID, Document: store.GrantDocument(g.ID), ClientID: g.ClientID, ClientName: g.ClientName,
		Subject: g.Person.Subject, Login: g.Person.Login, AllowedBy: g.Person.AllowedBy, Checked: g.Person.Checked,
		Scope: g.Scopes.String(), Resource: g.Resource, Started: g.Started, Refreshed: g.Refreshed,
		LastUse: newest(g.Started, g.Refreshed), Expiry: g.Expiry,
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

func (v grantView) when() time.Time { return v.LastUse }

func (v grantView) row() []string {
	return []string{
		v.ID, dash(v.ClientName), v.ClientID, v.Login,
		cli.Time(v.Started), cli.Time(v.LastUse), cli.Time(v.Expiry), v.State,
	}
}

var grantHeading = []string{"GRANT", "CLIENT", "CLIENT ID", "PERSON", "STARTED", "LAST USE", "UNTIL", "STATE"}

// A GrantFilter says which grants are listed. Empty fields mean all.
type GrantFilter struct {
	Selection
	User   string // login, subject or document
	Client string // id or document
	Ended  bool   // those that have ended as well
}

// ListGrants shows grants.
func (op *Operator) ListGrants(ctx context.Context, f GrantFilter) error {
	if op.Sealed != nil {
		if f != (GrantFilter{}) {
			op.out.Warn("Without the ring nobody can tell whose a grant is and when it was used: all are shown.")
		}
		return op.listSealed(ctx, store.GrantsCollection)
	}
	var client string
	if f.Client != "" {
		var err error
		if client, err = op.clientDocument(ctx, f.Client); err != nil {
			return err
		}
	}
	grants, err := op.selected(ctx, f.User, client)
	if err != nil {
		return err
	}
	views, bad := []grantView{}, unreadable{}
	for g, err := range readable(grants, &bad) {
		if err != nil {
			return err
		}
		v := viewGrant(g)
		ofClient := client == "" || client == store.ClientDocument(v.ClientID)
		if (v.State == "live" || f.Ended) && ofClient {
			views = append(views, v)
		}
	}
	return list(op, f.Selection, grantHeading, views, bad)
}

// selected returns the grants of a person or, if none is named, of a client by its document,
// or all.
func (op *Operator) selected(ctx context.Context, user, client string) (grantSeq, error) {
	if user != "" {
		p, err := op.person(ctx, user)
		if err != nil {
			return nil, err
		}
		return op.Store.GrantsOfPerson(ctx, store.PersonDocument(p.Subject)), nil
	}
	if client != "" {
		return op.Store.GrantsOfClient(ctx, client), nil
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
	return op.out.Show([]any{v}, nil, [][]string{
		{"grant", v.ID}, {"document", v.Document}, {"state", strings.TrimSpace(v.State + " " + v.Reason)},
		{"client_id", v.ClientID}, {"client", dash(v.ClientName)}, {"person", v.Login + " (" + v.Subject + ")"},
		{"allowed by", v.AllowedBy + ", looked up " + cli.Time(v.Checked)},
		{"scope", v.Scope}, {"resource", v.Resource},
		{"started", cli.Time(v.Started)}, {"refreshed", cli.Time(v.Refreshed)},
		{"until", cli.Time(v.Expiry)}, {"ended", cli.Time(v.Ended)},
	})
}

// RevokeGrant ends one grant.
func (op *Operator) RevokeGrant(ctx context.Context, id string, yes bool) error {
	g, err := op.grant(ctx, id)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("End the grant %s, of %s for %s?", g.ID, g.Person.Login, cmp.Or(g.ClientName, g.ClientID))
	if err := op.out.Confirm(yes, question); err != nil {
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
	return op.out.Say(map[string]any{"grant": g.ID, "revoked": mine}, "%s", words)
}

// RevokeUser ends all grants of a person and removes the codes that could become one.
func (op *Operator) RevokeUser(ctx context.Context, who string, yes bool) error {
	p, err := op.person(ctx, who)
	if err != nil {
		return err
	}
	if err := op.out.Confirm(yes, fmt.Sprintf("End all grants of %s (%s)?", p.Login, p.Subject)); err != nil {
		return err
	}
	document := store.PersonDocument(p.Subject)
	codes, grants := op.Store.CodesOfPerson(ctx, document), op.Store.GrantsOfPerson(ctx, document)
	ended, err := op.endAll(ctx, codes, grants, reasonOperator)
	return errors.Join(err, op.out.Say(struct {
		Subject string `json:"subject"`
		ending
	}{p.Subject, ended}, "%s (%s): %s", p.Login, p.Subject, ended))
}

// RevokeClient ends all grants of a client, by its id or its document's, and removes the
// codes that could become one. It is what there is against a CIMD client, which is registered
// nowhere and so cannot be deleted.
func (op *Operator) RevokeClient(ctx context.Context, id string, yes bool) error {
	if err := op.Opened(); err != nil {
		return err
	}
	document, err := op.clientDocument(ctx, id)
	if err != nil {
		return err
	}
	if err := op.out.Confirm(yes, fmt.Sprintf("End all grants of the client %s?", id)); err != nil {
		return err
	}
	ended, err := op.endOfClient(ctx, document, reasonOperator)
	return errors.Join(err, op.out.Say(struct {
		ClientID string `json:"client_id"`
		ending
	}{id, ended}, "%s: %s", id, ended))
}

// An ending is what was ended.
type ending struct {
	Grants int `json:"grants_ended"`
	Codes  int `json:"codes_removed"`
}

// String returns the counts in words.
func (e ending) String() string {
	return "ended " + cli.Count(e.Grants, "grant", "grants") +
		", removed " + cli.Count(e.Codes, "unredeemed code", "unredeemed codes")
}

func (op *Operator) endOfClient(ctx context.Context, document, reason string) (ending, error) {
	return op.endAll(ctx, op.Store.CodesOfClient(ctx, document), op.Store.GrantsOfClient(ctx, document), reason)
}

// endAll removes codes and ends grants. Codes go first: one that is redeemed meanwhile is
// a grant by the time those are read. What cannot be read spares none of the others.
func (op *Operator) endAll(ctx context.Context, codes codeSeq, grants grantSeq, reason string) (e ending, err error) {
	var codesErr, grantsErr error
	e.Codes, codesErr = op.removeCodes(ctx, codes)
	e.Grants, grantsErr = op.endGrants(ctx, grants, reason)
	return e, errors.Join(codesErr, grantsErr)
}

// endGrants ends those of grants that live and returns how many. One that cannot be
// opened does not spare the rest.
func (op *Operator) endGrants(ctx context.Context, grants grantSeq, reason string) (ended int, err error) {
	var bad unreadable
	for g, err := range readable(grants, &bad) {
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
	return ended, op.left(bad)
}

// left returns an error if records are as they were because they could not be opened.
func (op *Operator) left(bad unreadable) error {
	op.out.Unreadable(bad.n)
	return bad.err("and are as they were")
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
		telemetry.Audit(ctx, op.log, telemetry.GrantRevoked, slog.String("client_id", g.ClientID),
			slog.String("grant", store.GrantDocument(g.ID)),
			slog.String("by", "operator"), slog.String("reason", reason))
	}
	return mine, nil
}

// removeCodes removes those of codes that were not redeemed and returns how many.
func (op *Operator) removeCodes(ctx context.Context, codes codeSeq) (removed int, err error) {
	var bad unreadable
	for c, err := range readable(codes, &bad) {
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
	return removed, op.left(bad)
}

// GrantIDs returns the ids of all grants that live, each with whose it is behind a tab,
// for completion.
func (op *Operator) GrantIDs(ctx context.Context) []string {
	var ids []string
	for g, err := range op.Store.Grants(ctx) {
		if err == nil && !g.Ended(time.Now()) {
			ids = append(ids, g.ID+"\t"+cli.Plain(g.Person.Login+" "+g.ClientName))
		}
	}
	return ids
}
