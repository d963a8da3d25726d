package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Groups are rules that let nobody in: they are looked up for everybody who is let in,
// because an MCP server behind this one wants to know. The zero Groups asks nothing.
type Groups struct{ rules []Rule }

// ParseGroups reads rules in the form of ALLOW. All bad ones are named.
func ParseGroups(rules []string) (Groups, error) {
	var g Groups
	var bad []string
	for _, s := range rules {
		rule, err := ParseRule(s)
		switch {
		case err != nil:
			bad = append(bad, err.Error())
		case rule.String() != s:
			bad = append(bad, fmt.Sprintf("%q: write it %s", s, rule))
		case !slices.Contains(g.rules, rule):
			g.rules = append(g.rules, rule)
		}
	}
	if len(bad) > 0 {
		return Groups{}, errors.New(strings.Join(bad, "; "))
	}
	return g, nil
}

// Beside returns the rules of a and those of g, for what a provider is asked and whether it
// can be. Nobody is let in by it.
func (g Groups) Beside(a Allow) Allow { return allowOf(slices.Concat(a.rules, g.rules)) }

// None reports whether there is nothing to look up.
func (g Groups) None() bool { return len(g.rules) == 0 }

// Known reports whether answers has one to every rule.
func (g Groups) Known(answers map[string]bool) bool {
	return !slices.ContainsFunc(g.rules, func(r Rule) bool {
		_, known := answers[r.String()]
		return !known
	})
}

// Check says which rules a person fits, of whom a sign-in or [Identifier.Today] has just told.
// What the provider leaves out is a no: nobody is in a group that it does not name. An error
// is that of a rule without an answer; nil answers are of no rules.
func (g Groups) Check(ctx context.Context, p Provider, t Token, id Identity) (map[string]bool, error) {
	if g.None() {
		return nil, nil
	}
	answers := map[string]bool{}
	for _, r := range g.rules {
		_, err := allowOf([]Rule{r}).Check(ctx, p, t, id)
		if err != nil && !errors.Is(err, ErrNotAllowed) {
			return nil, fmt.Errorf("look up %s: %w", r, err)
		}
		answers[r.String()] = err == nil
	}
	return answers, nil
}

// Recheck is Check for a person who was let in before. Who they are today is asked first.
func (g Groups) Recheck(ctx context.Context, p Provider, t Token, known Identity) (map[string]bool, error) {
	if g.None() {
		return nil, nil
	}
	today := known
	var err error
	if account, asks := p.(Identifier); asks {
		if today, err = account.Today(ctx, t, known); err != nil {
			return nil, err
		}
	}
	if v, ok := p.(EmailVerifier); ok && g.Beside(Allow{}).HasKind(Email, EmailDomain) {
		if today.Email, err = v.VerifiedEmail(ctx, t); err != nil {
			return nil, err
		}
	}
	return g.Check(ctx, p, t, today)
}
