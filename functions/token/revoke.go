package token

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// errForeign stops the revocation of a token that is not the caller's.
var errForeign = errors.New("the token is not the caller's")

// revoke ends the grant of an access or refresh token (RFC 7009 §2.1). A token that is
// unknown, dead or another client's is answered like one that was revoked
// (RFC 7009 §2.2).
func (h *handler) revoke(w http.ResponseWriter, r *http.Request) error {
	q, err := readTokenQuery(r)
	if err != nil {
		return err
	}
	if err := q.needToken(); err != nil {
		return err
	}
	if err := h.endGrantFor(r.Context(), q); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// endGrantFor ends the grant of a token for a caller that proves whose it is. Who a client is
// today decides, whatever it was when the grant began: it may have changed its method since.
func (h *handler) endGrantFor(ctx context.Context, q tokenQuery) error {
	// The grant says itself whether its client was public, so a public client's own
	// token needs no look at the client.
	if q.method == oauth.AuthMethodNone {
		ended, err := h.endGrantOf(ctx, q, q.clientID, func(g store.Grant) bool { return g.Public })
		if err != nil || ended {
			return err
		}
	}
	client, err := h.authenticate(ctx, q.caller, eitherSecretMethod)
	if err != nil {
		return err
	}
	_, err = h.endGrantOf(ctx, q, client.ID, func(store.Grant) bool { return true })
	return err
}

// endGrantOf ends the grant of a token if the token is genuine and clientID's. It
// reports whether there was such a grant.
func (h *handler) endGrantOf(
	ctx context.Context, q tokenQuery, clientID string, also func(store.Grant) bool,
) (ended bool, err error) {
	id, genuine, err := h.grantOf(ctx, q)
	if err != nil || id == "" {
		return false, err
	}
	err = h.Store.RevokeGrant(ctx, id, "revoked by the client", func(g store.Grant) error {
		ended = g.ClientID == clientID && genuine(g) && also(g)
		if !ended {
			return errForeign
		}
		return nil
	})
	if errors.Is(err, errForeign) {
		return false, nil
	}
	if err == nil && ended {
		h.auditEnd(ctx, clientID, id, "client", "revoked by the client")
	}
	return ended, err
}

// grantOf returns the id of the grant that a token names, and how to tell that the
// grant really issued it. The id is empty if the token is not one of ours. An access
// token that has expired still names its grant, which may live on by refreshes.
func (h *handler) grantOf(ctx context.Context, q tokenQuery) (id string, genuine func(store.Grant) bool, err error) {
	if id, ok := store.RefreshGrantID(q.token); ok {
		return id, func(g store.Grant) bool { return store.GenuineRefreshToken(g, q.token) }, nil
	}
	claims, err := h.Verifier.Identify(ctx, q.token, q.issuer.String())
	if _, refused := errors.AsType[*oauth.Error](err); refused {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	return claims.GrantID, func(g store.Grant) bool {
		return g.ClientID == claims.ClientID && g.Resource == claims.Audience
	}, nil
}
