package mcp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
)

// checkScopes refuses to use a part that asks for more than the token has, naming all
// that the message needs (MP-07, CHL-06, CHL-07). Only the message itself counts, no
// header. A part that does not exist is the SDK's to refuse.
func (v *view) checkScopes(caller *Caller, msg message) error {
	if !v.guarded {
		return nil
	}
	need := []string{oauth.ScopeMCP}
	for _, c := range msg.calls {
		need = append(need, v.needs(unquote(c.method), unquote(c.name), unquote(c.uri))...)
	}
	if oauth.Scopes(need).Within(caller.Scopes) {
		return nil
	}
	slices.Sort(need[1:])
	return edge.NeedScope(slices.Compact(need)...)
}

// Why a request is ended: its caller may not go on, or nothing will answer it.
var (
	errOver = errors.New("the token or the connection is over")
	errExit = errors.New("a part ended its goroutine")
)

// bound ends a stream when the token ends, and soon after the grant does (MP-12).
func (h *handler) bound(ctx context.Context, cancel context.CancelFunc, caller *Caller) {
	token := time.AfterFunc(caller.TokenUntil.Sub(h.Now()), cancel)
	go func() {
		defer token.Stop()
		tick := time.NewTicker(max(h.RevocationMaxAge, time.Second))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			g, err := h.grants.look(ctx, caller.grantID)
			if ended(err) || err == nil && !h.Allow.Has(g.Person.AllowedBy) {
				cancel()
				return
			}
		}
	}()
}

// admittedContext is where the context of an admitted request holds its *admitted.
type admittedContext struct{}

// An admitted is the context of a request that was let in: it knows who sent it, what they may
// see, once that is worked out, and how to end it.
type admitted struct {
	context.Context
	cancel context.CancelCauseFunc
	caller Caller
	view   *view // nil where a server behind has the parts
}

// Value is [context.Context]'s.
func (a *admitted) Value(key any) any {
	if key == (admittedContext{}) {
		return a
	}
	return a.Context.Value(key)
}

// short cuts a text that a client sent, for the log (MP-14).
func short(s string) string { return s[:min(len(s), 64)] }
