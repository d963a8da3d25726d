package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Allow says who may enter: the people that at least one rule admits. The zero
// Allow admits nobody.
//
// A user rule names a login, and GitHub gives a login that was dropped to whoever
// takes it next. Where that matters, write user-id instead. The person is kept
// under the numeric id either way, so a new owner of a login never meets the old
// one's grants.
type Allow struct {
	rules []Rule
	texts []string // of the rules
}

// ParseAllow reads the ALLOW setting. Nothing said means nobody, and a server that
// admits nobody is a mistake: an empty list is an error (UP-09, RU-21). One bad entry
// spoils the whole list, and all bad ones are named. The error says what is wrong; what
// to write instead is what shared/config wants.
func ParseAllow(s string) (Allow, error) {
	if strings.TrimSpace(s) == "" {
		return Allow{}, errors.New("nobody may enter")
	}
	var rules []Rule
	var bad []string
	for entry := range strings.SplitSeq(s, ",") {
		rule, err := ParseRule(entry)
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		if !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	if len(bad) > 0 {
		return Allow{}, errors.New(strings.Join(bad, "; "))
	}
	a := allowOf(rules)
	if a.Has("anyone") && len(a.rules) > 1 {
		return Allow{}, errors.New("anyone admits everybody, so the other entries would mean nothing")
	}
	return a, nil
}

func allowOf(rules []Rule) Allow {
	a := Allow{rules: rules}
	for _, r := range rules {
		a.texts = append(a.texts, r.String())
	}
	return a
}

// Rules returns the rules in the order they were written, without repeats.
func (a Allow) Rules() []Rule { return slices.Clone(a.rules) }

// Has reports whether rule, as [Allow.Check] returned it once, is still in the list.
func (a Allow) Has(rule string) bool { return slices.Contains(a.texts, rule) }

// HasKind reports whether there is a rule of one of the kinds.
func (a Allow) HasKind(kinds ...Kind) bool {
	return slices.ContainsFunc(a.rules, func(r Rule) bool { return slices.Contains(kinds, r.Kind) })
}

// NeedsProvider reports whether checking may ask the provider: there are
// organisation or team rules.
func (a Allow) NeedsProvider() bool { return a.HasKind(Org, Team) }

// RequiredScopes returns the GitHub scopes without which the rules cannot be
// checked, sorted; none if logins and ids are enough (UP-11).
func (a Allow) RequiredScopes() []string {
	var scopes []string
	if a.NeedsProvider() {
		scopes = append(scopes, scopeReadOrg)
	}
	if a.HasKind(Email, EmailDomain) {
		scopes = append(scopes, scopeEmail)
	}
	return scopes
}

// Fits returns an error for the operator that names every rule p can never answer.
func (a Allow) Fits(p Provider) error {
	var problems []string
	for _, r := range a.rules {
		if err := p.Answers(r); err != nil {
			problems = append(problems, fmt.Sprintf("%q: %s", r, err))
		}
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

// Check returns the first rule that admits the person, in normal form. Rules that
// need no call are asked first, then the provider, all within 5 s.
//
// If no rule admits the person the error is [ErrNotAllowed] only when every rule
// was answered; otherwise it is [ErrTokenDead] or the outage that kept one from
// being asked (UP-18). A claim that the provider left out does not admit, which ends
// nothing where somebody is about to enter: the error is both [ErrNotAllowed] and
// [ErrOddAnswer].
func (a Allow) Check(ctx context.Context, p Provider, t Token, id Identity) (rule string, err error) {
	var silent []string
	for _, r := range a.rules {
		yes, said := r.admits(p.Name(), id)
		if yes {
			return r.String(), nil
		}
		if !said {
			silent = append(silent, r.String())
		}
	}
	no := ErrNotAllowed
	if len(silent) > 0 {
		no = fmt.Errorf("%w: %w: it says nothing that decides %s",
			ErrNotAllowed, ErrOddAnswer, strings.Join(silent, ", "))
	}
	if !a.NeedsProvider() {
		return "", no
	}
	m, ok := p.(Membership)
	if !ok {
		return "", fmt.Errorf("check membership: provider %q has none", p.Name())
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	rule, err = a.askProvider(ctx, m, t, id)
	if errors.Is(err, ErrNotAllowed) {
		err = no
	}
	return rule, err
}

// Recheck is [Allow.Check] for a person who was let in before and is known since: the account
// is looked up, and the person judged by the login and the address of today. It returns who
// that is. Where anyone may enter, and at a provider that is not an [Identifier], there is
// nothing to ask, and known is who it is.
//
// Beyond the errors of Check there is lost evidence, see [ErrTokenDead]. All calls together
// take 5 s at most.
func (a Allow) Recheck(
	ctx context.Context, p Provider, t Token, known Identity,
) (today Identity, rule string, err error) {
	account, asks := p.(Identifier)
	if !asks || a.HasKind(Anyone) {
		rule, err = a.Check(ctx, p, t, known)
		return known, rule, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if today, err = account.Today(ctx, t, known); err != nil {
		return known, "", err
	}
	var unread error // why the address could not be read
	if v, ok := p.(EmailVerifier); ok && a.HasKind(Email, EmailDomain) {
		today.Email, unread = v.VerifiedEmail(ctx, t)
	}
	rule, err = a.Check(ctx, p, t, today)
	if errors.Is(err, ErrNotAllowed) && errors.Is(err, ErrOddAnswer) {
		err = fmt.Errorf("%w: what decided is not said any more", ErrOddAnswer) // which is no "no"
	}
	if unread != nil {
		today.Email = known.Email
		if errors.Is(err, ErrNotAllowed) { // a rule was not answered
			err = unread
		}
	}
	return today, rule, err
}

func (a Allow) askProvider(ctx context.Context, m Membership, t Token, id Identity) (string, error) {
	var outages []error
	for _, r := range a.rules {
		if r.Kind != Org && r.Kind != Team {
			continue
		}
		member, err := m.Member(ctx, t, id, r)
		switch {
		case errors.Is(err, ErrTokenDead):
			return "", err // the same for every further rule
		case err != nil:
			outages = append(outages, fmt.Errorf("check %s: %w", r, err))
		case member:
			return r.String(), nil
		}
	}
	if len(outages) > 0 {
		return "", errors.Join(outages...)
	}
	return "", ErrNotAllowed
}
