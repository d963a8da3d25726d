package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// An entryDue is the error of a refresh before which somebody has to ask whether the
// person may still enter.
type entryDue struct{ grant store.Grant }

func (*entryDue) Error() string { return "who may enter has to be asked again" }

// mayStay returns an [entryDue] unless the rule that let the person in still stands and was
// answered recently, whatever kind it is.
func (h *handler) mayStay(g store.Grant) error {
	if !h.Allow.Has(g.Person.AllowedBy) {
		return &entryDue{g}
	}
	rule, err := upstream.ParseRule(g.Person.AllowedBy)
	if err != nil {
		return fmt.Errorf("rule of grant: %w", err)
	}
	if !rule.Lasts(h.Provider) && h.Now().Sub(g.Person.Checked) >= h.MembershipTTL {
		return &entryDue{g}
	}
	return nil
}

// askAgain judges a person by ALLOW and by their account as both are now, with the newest
// token that the provider gave for them. It returns the person of today. A clear no ends the
// grant; a provider that does not answer is a fault and decides nothing; lost evidence waits.
func (h *handler) askAgain(ctx context.Context, g store.Grant) (store.Person, error) {
	person := g.Person
	account, token, err := h.evidence(ctx, person.Subject)
	if err != nil {
		return person, err
	}
	today, rule, err := h.Allow.Recheck(ctx, h.Provider, token, upstream.Identity{
		Subject: person.Subject, Login: person.Login, Name: person.Name, Email: person.Email,
	})
	switch {
	case errors.Is(err, upstream.ErrNotAllowed):
		return person, h.expel(ctx, g, err)
	case errors.Is(err, upstream.ErrTokenDead), errors.Is(err, upstream.ErrOddAnswer):
		return person, h.withoutEvidence(ctx, g, latest(person.Checked, account.Checked), err)
	case err != nil:
		return person, fmt.Errorf("ask who may enter: %w", err)
	}
	person = store.Person{
		Subject: person.Subject, Login: today.Login, Name: today.Name, Email: today.Email,
		AllowedBy: rule, Checked: h.Now().UTC(),
	}
	known := account.Person
	if person.Login != known.Login || person.Name != known.Name || person.Email != known.Email {
		return person, h.Store.UpdatePerson(ctx, person)
	}
	return person, nil
}

// evidence returns what is kept of a person and their newest token of the provider, zero if
// there is none.
func (h *handler) evidence(ctx context.Context, subject string) (store.Account, upstream.Token, error) {
	account, err := h.Store.Account(ctx, subject)
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(account.UpstreamToken) == 0) {
		return account, upstream.Token{}, nil
	}
	if err != nil {
		return account, upstream.Token{}, err
	}
	token, err := upstream.UnmarshalToken(account.UpstreamToken)
	return account, token, err
}

// expel ends the grant of a person who may not enter any more.
func (h *handler) expel(ctx context.Context, g store.Grant, cause error) error {
	if err := h.Store.RevokeGrant(ctx, g.ID, "may not enter any more", nil); err != nil {
		return err
	}
	h.auditEntry(ctx, telemetry.MembershipLost, g, cause)
	h.auditEnd(ctx, g.ClientID, g.ID, "server", "may not enter any more")
	return oauth.RefuseBecause(cause, oauth.InvalidGrant, "the person may not enter any more: sign in again")
}

// withoutEvidence answers for a person of whom nobody can say whether they may still enter. A
// provider or a setting that is wrong for some days is a fault and ends nothing. When the last
// good answer is too old, or the person never gave the permission to ask, they have to sign in
// again. The grant stays as it is: it goes on when the evidence is back, by a new sign-in too.
func (h *handler) withoutEvidence(ctx context.Context, g store.Grant, last time.Time, cause error) error {
	if h.Now().Sub(last) < h.EvidenceMaxAge && !errors.Is(cause, upstream.ErrScopeMissing) {
		h.auditEntry(ctx, telemetry.EvidenceLost, g, cause, slog.Time("until", last.Add(h.EvidenceMaxAge)))
		return fmt.Errorf("ask who may enter: %w", cause)
	}
	h.auditEntry(ctx, telemetry.EvidenceExpired, g, cause)
	return oauth.RefuseBecause(cause, oauth.InvalidGrant,
		"the identity provider can no longer be asked about the person: sign in again")
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
