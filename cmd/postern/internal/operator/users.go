package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	LiveGrants int       `json:"live_grants"`
}

// ListUsers shows who has signed in. Last seen is their last sign-in or refresh.
func (op *Operator) ListUsers(ctx context.Context) error {
	if op.Sealed != nil {
		return op.listSealed(ctx, store.PeopleCollection)
	}
	var bad unopened
	live, seen, err := op.liveGrants(ctx, &bad)
	if err != nil {
		return err
	}
	views, rows := []userView{}, [][]string{}
	for a, err := range op.Store.Accounts(ctx) {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return err
		}
		v := userView{a.Subject, store.PersonDocument(a.Subject), a.Login, a.Name, a.Email, a.LastSeen, a.AllowedBy, live[a.Subject]}
		if seen[a.Subject].After(v.LastSeen) {
			v.LastSeen = seen[a.Subject]
		}
		views = append(views, v)
		rows = append(rows, []string{v.Login, v.Subject, short(v.LastSeen), v.AllowedBy, fmt.Sprint(v.LiveGrants)})
	}
	bad.note(op.Err)
	return op.print(views, []string{"LOGIN", "SUBJECT", "LAST SEEN", "ALLOWED BY", "LIVE GRANTS"}, rows)
}

// liveGrants counts the grants of each person that live, and says when one was last
// refreshed.
func (op *Operator) liveGrants(ctx context.Context, bad *unopened) (live map[string]int, seen map[string]time.Time, err error) {
	live, seen = map[string]int{}, map[string]time.Time{}
	for g, err := range op.Store.Grants(ctx) {
		if bad.skip(err) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		subject := g.Person.Subject
		if !g.Ended(time.Now()) {
			live[subject]++
		}
		if g.Refreshed.After(seen[subject]) {
			seen[subject] = g.Refreshed
		}
	}
	return live, seen, nil
}

// person finds a person by subject, by login, or by the id of their document. A login
// changes hands, so it may be that of several people, and then only a subject will do.
func (op *Operator) person(ctx context.Context, who string) (store.Person, error) {
	if err := op.Opened(); err != nil {
		return store.Person{}, err
	}
	found := map[string]store.Person{}
	var closed []error // records that could not be opened: the person may be in one
	for a, err := range op.Store.Accounts(ctx) {
		switch {
		case err != nil:
			closed = append(closed, err)
		case isPerson(a.Person, who):
			found[a.Subject] = a.Person
		}
	}
	// A grant has the login of its time.
	for g, err := range op.Store.Grants(ctx) {
		switch _, known := found[g.Person.Subject]; {
		case err != nil:
			closed = append(closed, err)
		case !known && isPerson(g.Person, who):
			found[g.Person.Subject] = g.Person
		}
	}
	if ctx.Err() != nil {
		return store.Person{}, ctx.Err()
	}
	if len(found) == 0 && len(closed) > 0 {
		return store.Person{}, fmt.Errorf("user %s: not among the records that could be read, and %d could not: %w", who, len(closed), closed[0])
	}
	switch len(found) {
	case 0:
		return store.Person{}, fmt.Errorf("user %s: nobody of that login or subject has signed in", who)
	case 1:
		for _, p := range found {
			return p, nil
		}
	}
	return store.Person{}, fmt.Errorf("user %s: several people have or had that login, name one by subject: %s", who, strings.Join(subjects(found), ", "))
}

func isPerson(p store.Person, who string) bool {
	return p.Subject == who || strings.EqualFold(p.Login, who) || store.PersonDocument(p.Subject) == who
}

func subjects(people map[string]store.Person) []string { return slices.Sorted(maps.Keys(people)) }
