package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/store"
)

// userView is a person as they are shown.
type userView struct {
	Subject    string    `json:"subject"`
	Document   string    `json:"document"`
	Login      string    `json:"login"`
	Name       string    `json:"name,omitempty"`
	Email      string    `json:"email,omitempty"`
	LastSeen   time.Time `json:"last_seen"`
	AllowedBy  string    `json:"allowed_by"`
	Checked    time.Time `json:"membership_checked"`
	LiveGrants int       `json:"live_grants"`
}

func viewUser(a store.Account, u use) userView {
	return userView{
		Subject: a.Subject, Document: store.PersonDocument(a.Subject), Login: a.Login, Name: a.Name, Email: a.Email,
		LastSeen: newest(a.LastSeen, u.last), AllowedBy: a.AllowedBy, Checked: a.Checked, LiveGrants: u.live,
	}
}

func (v userView) when() time.Time { return v.LastSeen }

func (v userView) row() []string {
	return []string{v.Login, v.Subject, cli.Time(v.LastSeen), v.AllowedBy, fmt.Sprint(v.LiveGrants)}
}

// ListUsers shows who has signed in. Last seen is their last sign-in or refresh.
func (op *Operator) ListUsers(ctx context.Context, s Selection) error {
	if op.Sealed != nil {
		return op.listSealed(ctx, store.PeopleCollection)
	}
	views, bad := []userView{}, unreadable{}
	uses, err := usesOf(op.Store.Grants(ctx), &bad, func(g store.Grant) string { return g.Person.Subject })
	if err != nil {
		return err
	}
	for a, err := range readable(op.Store.Accounts(ctx), &bad) {
		if err != nil {
			return err
		}
		views = append(views, viewUser(a, uses[a.Subject]))
	}
	return list(op, s, []string{"LOGIN", "SUBJECT", "LAST SEEN", "ALLOWED BY", "LIVE GRANTS"}, views, bad)
}

// ShowUser shows a person and all their grants.
func (op *Operator) ShowUser(ctx context.Context, who string) error {
	p, err := op.person(ctx, who)
	if err != nil {
		return err
	}
	a, err := op.Store.Account(ctx, p.Subject)
	if errors.Is(err, store.ErrNotFound) {
		a, err = store.Account{Person: p}, nil // known by a grant alone
	}
	if err != nil {
		return fmt.Errorf("user %s: %w", who, err)
	}
	grants, bad := []grantView{}, unreadable{}
	for g, err := range readable(op.Store.GrantsOfPerson(ctx, store.PersonDocument(p.Subject)), &bad) {
		if err != nil {
			return err
		}
		grants = append(grants, viewGrant(g))
	}
	slices.SortFunc(grants, func(a, b grantView) int { return b.when().Compare(a.when()) })
	op.out.Unreadable(bad.n)
	return errors.Join(op.showUser(a, grants), bad.err("so these may not be all grants"))
}

func (op *Operator) showUser(a store.Account, grants []grantView) error {
	var u use
	rows := [][]string{}
	for _, g := range grants {
		u.last = newest(u.last, g.LastUse)
		if g.State == "live" {
			u.live++
		}
		rows = append(rows, g.row())
	}
	v := viewUser(a, u)
	item := struct {
		userView
		Grants []grantView `json:"grants"`
	}{v, grants}
	err := op.out.Show([]any{item}, nil, [][]string{
		{"login", v.Login}, {"subject", v.Subject}, {"document", v.Document},
		{"name", dash(v.Name)}, {"e-mail", dash(v.Email)},
		{"last seen", cli.Time(v.LastSeen)}, {"allowed by", v.AllowedBy + ", looked up " + cli.Time(v.Checked)},
		{"live grants", fmt.Sprint(v.LiveGrants)},
	})
	if err != nil || len(grants) == 0 {
		return err
	}
	return op.out.Show(nil, grantHeading, rows)
}

// person finds a person by subject, by login, or by the id of their document. A login
// changes hands, so it may be that of several people, and then only a subject will do.
func (op *Operator) person(ctx context.Context, who string) (store.Person, error) {
	if err := op.Opened(); err != nil {
		return store.Person{}, err
	}
	found, bad := map[string]store.Person{}, unreadable{}
	for a, err := range readable(op.Store.Accounts(ctx), &bad) {
		if err != nil {
			return store.Person{}, err
		}
		if isPerson(a.Person, who) {
			found[a.Subject] = a.Person
		}
	}
	// A grant has the login of its time.
	for g, err := range readable(op.Store.Grants(ctx), &bad) {
		if err != nil {
			return store.Person{}, err
		}
		if _, known := found[g.Person.Subject]; !known && isPerson(g.Person, who) {
			found[g.Person.Subject] = g.Person
		}
	}
	if err := bad.err("they may be in one of them"); len(found) == 0 && err != nil {
		return store.Person{}, fmt.Errorf("user %s: not among the records that could be read: %w", who, err)
	}
	switch len(found) {
	case 0:
		return store.Person{}, fmt.Errorf("user %s: not found: nobody of that login or subject has signed in", who)
	case 1:
		for _, p := range found {
			return p, nil
		}
	}
	return store.Person{}, fmt.Errorf("user %s: several people have or had that login, name one by subject: %s",
		who, strings.Join(subjects(found), ", "))
}

func isPerson(p store.Person, who string) bool {
	return p.Subject == who || strings.EqualFold(p.Login, who) || store.PersonDocument(p.Subject) == who
}

func subjects(people map[string]store.Person) []string { return slices.Sorted(maps.Keys(people)) }

// Logins returns the subjects of all people who can be read, each with their login behind
// a tab, for completion.
func (op *Operator) Logins(ctx context.Context) []string {
	var ids []string
	for a, err := range op.Store.Accounts(ctx) {
		if err == nil {
			ids = append(ids, a.Subject+"\t"+cli.Plain(a.Login))
		}
	}
	return ids
}
