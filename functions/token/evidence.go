package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// evidence is what is known of a person before they are asked about.
type evidence struct {
	account store.Account
	token   upstream.Token
	// answered says that the account has a good answer that is recent: another request, or
	// another server, has just asked.
	answered bool
	// renewing says that the token was exchanged by us, so that others wait for the answer.
	renewing bool
	// ended says that the provider has ended what it gave for the sign-in.
	ended bool
}

// How long others leave a renewal to one server, and how long they wait for it, looking now
// and again.
const (
	renewalLease = 15 * time.Second
	renewalWait  = 6 * time.Second
	renewalLook  = 150 * time.Millisecond
)

var errRenewing = errors.New("ask who may enter: another request is asking the provider")

// evidence returns what is kept of a person and their newest token of the provider, zero if
// there is none, exchanged for a newer one if that is due. One server exchanges it; others
// wait, and use what came of it.
func (h *handler) evidence(ctx context.Context, subject string) (evidence, error) {
	return h.settled(ctx, func() (evidence, bool, error) { return h.lookAtEvidence(ctx, subject) })
}

// settled looks until no other server is at the token.
func (h *handler) settled(ctx context.Context, look func() (evidence, bool, error)) (evidence, error) {
	deadline := time.NewTimer(renewalWait)
	defer deadline.Stop()
	for {
		e, busy, err := look()
		if err != nil || !busy {
			return e, err
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-deadline.C:
			return e, errRenewing
		case <-time.After(renewalLook):
		}
	}
}

// lookAtEvidence is one look. busy says that another server is at it, or was just now.
func (h *handler) lookAtEvidence(ctx context.Context, subject string) (e evidence, busy bool, err error) {
	e.account, err = h.Store.Account(ctx, subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(e.account.UpstreamToken) == 0 {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	if e.answered = h.recent(e.account); e.answered {
		return e, false, nil
	}
	if e.token, err = upstream.UnmarshalToken(e.account.UpstreamToken); err != nil {
		return e, false, err
	}
	p, ok := h.Provider.(upstream.Renewer)
	if !ok || !p.Due(e.token, h.Now().Add(h.MembershipTTL)) {
		return e, false, nil
	}
	return h.renew(ctx, p, e, h.recent)
}

// recent reports whether the account has an answer that is younger than MembershipTTL, by a
// rule that still stands and to all that is asked.
func (h *handler) recent(a store.Account) bool {
	return h.Allow.Has(a.AllowedBy) && h.Groups.Known(a.Groups) && h.Now().Sub(a.Checked) < h.MembershipTTL
}

// renew exchanges the token, if nobody else does, and is not done with the account meanwhile.
// The exchange goes on when the client does not wait: a rotated token that nobody keeps is lost.
func (h *handler) renew(
	ctx context.Context, p upstream.Renewer, e evidence, done func(store.Account) bool,
) (evidence, bool, error) {
	ctx = context.WithoutCancel(ctx)
	subject, before := e.account.Subject, e.account.UpstreamToken
	account, begun, lost, err := h.Store.BeginRenewal(ctx, subject, before, renewalLease)
	if err != nil || !begun {
		return e, err == nil, err
	}
	if done(account) { // since e was looked at
		return e, true, h.Store.EndRenewal(ctx, subject, before, nil, lost)
	}
	e.account = account
	next, err := p.Renew(ctx, e.token)
	switch {
	case errors.Is(err, upstream.ErrEnded) && !lost:
		e.ended = true
		return e, false, h.Store.EndRenewal(ctx, subject, before, nil, false)
	case errors.Is(err, upstream.ErrEnded):
		// An exchange whose answer was lost may have made the token a spent one, which is no
		// word about the person. There is nothing more to exchange.
		next = e.token
		next.RefreshToken = upstream.Token{}.RefreshToken
	case err != nil:
		lost = lost || !errors.Is(err, upstream.ErrNotAsked)
		return e, false, errors.Join(fmt.Errorf("ask who may enter: %w", err),
			h.Store.EndRenewal(ctx, subject, before, nil, lost))
	}
	return h.keep(ctx, e, next)
}

// keep stores the token that came of an exchange, before anything is asked with it. A sign-in
// meanwhile has brought another, so that there is another look.
func (h *handler) keep(ctx context.Context, e evidence, next upstream.Token) (evidence, bool, error) {
	b, err := next.Marshal()
	if err != nil {
		return e, false, err
	}
	kept, err := h.Store.KeepRenewed(ctx, e.account.Subject, e.account.UpstreamToken, b)
	if err != nil || !kept {
		return e, err == nil, err
	}
	e.account.UpstreamToken, e.token, e.renewing = b, next, true
	return e, false, nil
}

// settle lets others at the token again, and puts the person on the account who was asked
// about; nil leaves who is there. Without an exchange it is written only if somebody is
// called otherwise by now.
func (h *handler) settle(ctx context.Context, e evidence, p *store.Person) error {
	if e.renewing {
		return h.Store.EndRenewal(context.WithoutCancel(ctx), e.account.Subject, e.account.UpstreamToken, p, false)
	}
	if p == nil || p.Login == e.account.Login && p.Name == e.account.Name && p.Email == e.account.Email {
		return nil
	}
	return h.Store.UpdatePerson(ctx, *p)
}
