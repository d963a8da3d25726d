package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// tokenRoom is how long a person's token of the provider has to be good when a client goes on.
const tokenRoom = time.Minute

// handsOn reports whether the grant's server is handed the person's token of the provider.
func (h *handler) handsOn(g store.Grant, issuer string) bool {
	resource, known := h.Resources.Of(g.Resource, issuer)
	return known && slices.Contains(h.HandedOn, resource.Path)
}

// freshen exchanges a person's token of the provider that is about to end. Who has none that
// is good any more has to sign in again; the grant stays, and goes on after that. A provider
// that does not answer is a fault, once the token has ended.
func (h *handler) freshen(ctx context.Context, g store.Grant) error {
	e, err := h.settled(ctx, func() (evidence, bool, error) { return h.lookAtToken(ctx, g.Person.Subject) })
	switch over := e.token.Expired(h.Now()); {
	case err != nil && (over || e.token.IsZero()):
		return err
	case e.renewing:
		return h.settle(ctx, e, nil)
	case over:
		return oauth.RefuseBecause(upstream.ErrEnded, oauth.InvalidGrant,
			"the identity provider has ended the sign-in: sign in again")
	}
	return nil
}

// lookAtToken is a look at the token alone, whatever is known of the person. busy is as for
// lookAtEvidence.
func (h *handler) lookAtToken(ctx context.Context, subject string) (e evidence, busy bool, err error) {
	e.account, err = h.Store.Account(ctx, subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(e.account.UpstreamToken) == 0 {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	if e.token, err = upstream.UnmarshalToken(e.account.UpstreamToken); err != nil {
		return e, false, err
	}
	until := h.Now().Add(tokenRoom)
	p, ok := h.Provider.(upstream.Renewer)
	if !ok || !e.token.Expired(until) || !p.Due(e.token, until) {
		return e, false, nil
	}
	return h.renew(ctx, p, e, func(store.Account) bool { return false })
}
