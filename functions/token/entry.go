package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// An entryDue is the error of a refresh before which somebody has to ask whether the
// person may still enter.
type entryDue struct{ grant store.Grant }

func (*entryDue) Error() string { return "membership has to be checked again" }

// mayStay returns an [entryDue] unless the rule that let the person in still stands and, if it
// is about an organisation or team, was checked recently.
func (h *handler) mayStay(g store.Grant) error {
	if !h.Allow.Has(g.Person.AllowedBy) {
		return &entryDue{g}
	}
	rule, err := upstream.ParseRule(g.Person.AllowedBy)
	if err != nil {
		return fmt.Errorf("rule of grant: %w", err)
	}
	asked := rule.Kind == upstream.Org || rule.Kind == upstream.Team
	if asked && h.Now().Sub(g.Person.Checked) >= h.MembershipTTL {
		return &entryDue{g}
	}
	return nil
}

// askAgain checks a person against ALLOW as it is now, with the upstream token that is
// kept of them. A person who may not enter any more loses the grant; a provider that does
// not answer is a fault and decides nothing.
func (h *handler) askAgain(ctx context.Context, g store.Grant) (store.Person, error) {
	person := g.Person
	token, err := h.upstreamToken(ctx, person.Subject)
	if err != nil {
		return person, err
	}
	rule, err := h.Allow.Check(ctx, h.Provider, token, upstream.Identity{
		Subject: person.Subject, Login: person.Login, Name: person.Name, Email: person.Email,
	})
	switch {
	case errors.Is(err, upstream.ErrNotAllowed), errors.Is(err, upstream.ErrTokenDead):
		return person, h.expel(ctx, g, err)
	case err != nil:
		return person, fmt.Errorf("check membership: %w", err)
	}
	person.AllowedBy, person.Checked = rule, h.Now().UTC()
	return person, nil
}

// upstreamToken returns the newest token of a person, zero if none is kept.
func (h *handler) upstreamToken(ctx context.Context, subject string) (upstream.Token, error) {
	account, err := h.Store.Account(ctx, subject)
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(account.UpstreamToken) == 0) {
		return upstream.Token{}, nil
	}
	if err != nil {
		return upstream.Token{}, err
	}
	return upstream.UnmarshalToken(account.UpstreamToken)
}

// expel ends the grant of a person who may not enter any more.
func (h *handler) expel(ctx context.Context, g store.Grant, cause error) error {
	if err := h.Store.RevokeGrant(ctx, g.ID, "may not enter any more", nil); err != nil {
		return err
	}
	telemetry.Audit(ctx, h.Log, telemetry.MembershipLost, slog.String("client_id", g.ClientID), grantField(g.ID),
		slog.String("person", store.PersonDocument(g.Person.Subject)))
	h.auditEnd(ctx, g.ClientID, g.ID, "server", "may not enter any more")
	return oauth.RefuseBecause(cause, oauth.InvalidGrant, "the person may not enter any more: sign in again")
}
