package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// membership is the part of an organisation or team membership that is read. Team
// memberships have no user.
type membership struct {
	State string `json:"state"`
	User  struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
	} `json:"user"`
}

// The states of a membership. Active alone admits; pending is an invitation not yet taken
// (UP-18). GitHub knows no third.
const (
	active  = "active"
	pending = "pending"
)

// whole refuses a membership without one of the states: it says nothing.
func (m membership) whole(what string) error {
	if m.State != active && m.State != pending {
		return odd(what, "it has no state of a membership")
	}
	return nil
}

// Member asks GitHub about an [Org] or [Team] rule: one call for an organisation,
// two for a team. Only the state "active" counts, and 404 is "no" (UP-18, K9).
func (g *GitHub) Member(ctx context.Context, t Token, id Identity, rule Rule) (bool, error) {
	if err := g.usable(t); err != nil {
		return false, err
	}
	if !t.allows(scopeReadOrg) {
		// Without the scope GitHub would answer 404 or 403, which must not
		// pass for "not a member" (K5).
		return false, fmt.Errorf("check membership: %w: %s", ErrScopeMissing, scopeReadOrg)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	switch rule.Kind {
	case Org:
		m, err := g.orgMembership(ctx, t, id, rule.Value)
		return m.State == active, err
	case Team:
		return g.teamMember(ctx, t, id, rule)
	}
	return false, fmt.Errorf("check membership: %s is neither an organisation nor a team", rule.Kind)
}

// orgMembership reads the token owner's own membership; the zero value means none.
func (g *GitHub) orgMembership(ctx context.Context, t Token, id Identity, org string) (membership, error) {
	const what = "read organisation membership"
	var m membership
	err := g.get(ctx, t, what, "/user/memberships/orgs/"+url.PathEscape(org), &m)
	if errors.Is(err, errNotFound) {
		return membership{}, nil
	}
	if err == nil {
		err = m.whole(what)
	}
	if err != nil {
		return membership{}, err
	}
	if githubName+":"+strconv.FormatInt(m.User.ID, 10) != id.Subject {
		return membership{}, odd(what, "it is about another account")
	}
	return m, nil
}

// teamMember asks about a team. GitHub answers that by login, and the login we keep
// may have gone to somebody else since. The organisation's answer is about the
// token's owner and names today's login, so it is asked first; team members are
// always members of the organisation.
func (g *GitHub) teamMember(ctx context.Context, t Token, id Identity, rule Rule) (bool, error) {
	org, slug := rule.Team()
	own, err := g.orgMembership(ctx, t, id, org)
	if err != nil || own.State != active {
		return false, err
	}
	if !loginForm.fits(lowerASCII(own.User.Login)) {
		return false, odd("read organisation membership", "it has no login")
	}
	const what = "read team membership"
	var m membership
	login := own.User.Login
	path := "/orgs/" + url.PathEscape(org) + "/teams/" + url.PathEscape(slug) + "/memberships/" + url.PathEscape(login)
	err = g.get(ctx, t, what, path, &m)
	if errors.Is(err, errNotFound) {
		return false, nil
	}
	if err == nil {
		err = m.whole(what)
	}
	return err == nil && m.State == active, err
}
