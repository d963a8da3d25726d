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

// entryDue reports whether somebody has to ask if the person may still enter: unless the rule
// that let them in still stands and was answered recently, whatever kind it is.
func (h *handler) entryDue(g store.Grant) (bool, error) {
	if !h.Allow.Has(g.Person.AllowedBy) {
		return true, nil
	}
	rule, err := upstream.ParseRule(g.Person.AllowedBy)
	if err != nil {
		return false, fmt.Errorf("rule of grant: %w", err)
	}
	lasts := rule.Lasts(h.Provider) && h.Groups.None()
	old := h.Now().Sub(g.Person.Checked) >= h.MembershipTTL
	return !lasts && old || !h.Groups.Known(g.Person.Groups), nil
}

// askAgain judges a person by ALLOW and by their account as both are now, with the newest
// token that the provider gave for them. It returns the person of today. A clear no ends the
// grant; a provider that does not answer is a fault and decides nothing; lost evidence waits.
func (h *handler) askAgain(ctx context.Context, g store.Grant) (store.Person, error) {
	e, err := h.evidence(ctx, g.Person.Subject)
	if err != nil {
		return g.Person, err
	}
	if e.answered {
		return ofGrant(e.account.Person, g), nil
	}
	person, err := h.judge(ctx, g, e)
	switch {
	case errors.Is(err, upstream.ErrNotAllowed):
		return g.Person, errors.Join(h.settle(ctx, e, nil), h.expel(ctx, g, err))
	case err != nil && e.ended && !errors.Is(err, upstream.ErrOddAnswer) && noMore(err):
		return g.Person, h.withoutEvidence(ctx, g, time.Time{}, upstream.ErrEnded)
	case errors.Is(err, upstream.ErrCannotAsk):
		return g.Person, errors.Join(h.settle(ctx, e, nil), h.unasked(ctx, g, e, err))
	case errors.Is(err, upstream.ErrTokenDead), errors.Is(err, upstream.ErrOddAnswer):
		last := latest(g.Person.Checked, e.account.Checked)
		return g.Person, errors.Join(h.settle(ctx, e, nil), h.withoutEvidence(ctx, g, last, err))
	case err != nil:
		return g.Person, errors.Join(fmt.Errorf("ask who may enter: %w", err), h.settle(ctx, e, nil))
	}
	return person, h.settle(ctx, e, &person)
}

// noMore reports whether an error leaves nothing to ask with.
func noMore(err error) bool {
	return errors.Is(err, upstream.ErrCannotAsk) || errors.Is(err, upstream.ErrTokenDead)
}

// judge asks who the person is by now, and which rule admits them.
func (h *handler) judge(ctx context.Context, g store.Grant, e evidence) (store.Person, error) {
	known := g.Person
	asked := upstream.Identity{Subject: known.Subject, Login: known.Login, Name: known.Name, Email: known.Email}
	today, rule, err := h.Allow.Recheck(ctx, h.Provider, e.token, asked)
	var groups map[string]bool
	if err == nil {
		groups, err = h.Groups.Recheck(ctx, h.Provider, e.token, asked)
	}
	return store.Person{
		Subject: known.Subject, Login: today.Login, Name: today.Name, Email: today.Email, Session: known.Session,
		AllowedBy: rule, Checked: h.Now().UTC(), Groups: groups,
	}, err
}

// ofGrant is a person of whom somebody has just asked, as a grant of theirs has them.
func ofGrant(p store.Person, g store.Grant) store.Person {
	p.Session = g.Person.Session
	return p
}

// unasked answers for a person about whom the provider gave nothing to ask with. What it said
// last holds for EvidenceMaxAge, if the rule that it answered still stands.
func (h *handler) unasked(ctx context.Context, g store.Grant, e evidence, cause error) error {
	last := latest(g.Person.Checked, e.account.Checked)
	if h.Allow.Has(g.Person.AllowedBy) && h.Now().Sub(last) < h.EvidenceMaxAge {
		return nil
	}
	return h.withoutEvidence(ctx, g, time.Time{}, cause)
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
	mends := !errors.Is(cause, upstream.ErrScopeMissing) && !errors.Is(cause, upstream.ErrEnded)
	if mends && h.Now().Sub(last) < h.EvidenceMaxAge {
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
