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

// active is the one state that admits; "pending" is an invitation not yet taken (UP-18).
const active = "active"

// Member asks GitHub about an [Org] or [Team] rule: one call for an organisation,
// two for a team. Only the state "active" counts, and 404 is "no" (UP-18, K9).
func (g *GitHub) Member(ctx context.Context, t Token, id Identity, rule Rule) (bool, error) {
	if err := g.usable(t); err != nil {
		return false, err
	}
	if !t.allows(scopeReadOrg) {
		// Without the scope GitHub would answer 404 or 403, which must not
		// pass for "not a member" (K5).
		return false, fmt.Errorf("the token lacks %s: %w", scopeReadOrg, ErrTokenDead)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
	var m membership
	err := g.get(ctx, t, "read organisation membership", "/user/memberships/orgs/"+url.PathEscape(org), &m)
	if errors.Is(err, errNotFound) {
		return membership{}, nil
	}
	if err != nil {
		return membership{}, err
	}
	if githubName+":"+strconv.FormatInt(m.User.ID, 10) != id.Subject {
		return membership{}, errors.New("read organisation membership: the answer is about another account")
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
	if !loginForm().MatchString(lowerASCII(own.User.Login)) {
		return false, errors.New("read organisation membership: the answer has no login")
	}
	var m membership
	path := "/orgs/" + url.PathEscape(org) + "/teams/" + url.PathEscape(slug) + "/memberships/" + url.PathEscape(own.User.Login)
	err = g.get(ctx, t, "read team membership", path, &m)
	if errors.Is(err, errNotFound) {
		return false, nil
	}
	return err == nil && m.State == active, err
}
