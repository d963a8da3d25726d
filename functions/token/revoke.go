package token

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
)

// errForeign stops a revocation that is none of the caller's business.
var errForeign = errors.New("the token is not the caller's")

// revoke ends the grant of an access or refresh token (RFC 7009 §2.1). A token that is
// unknown, dead or another client's is answered like one that was revoked
// (RFC 7009 §2.2). token_type_hint only speeds up a search, and there is none here.
func (h *handler) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	token := credential.Wrap(form.Get("token"))
	p, err := readPresented(r, form)
	if err != nil {
		return err
	}
	if token.IsZero() {
		return oauth.Refuse(oauth.InvalidRequest, "token is missing")
	}
	// The grant says itself whether its client is public, so a public client's
	// own token needs no look at the client.
	if p.method == oauth.AuthMethodNone {
		done, err := h.endGrantOf(r, token, p.clientID, func(g store.Grant) bool { return g.Public })
		if err != nil || done {
			return answer(w, err)
		}
	}
	client, err := h.authenticate(r, form, eitherSecretMethod)
	if err != nil {
		return err
	}
	if p.method != oauth.AuthMethodNone {
		_, err = h.endGrantOf(r, token, client.ID, func(store.Grant) bool { return true })
	}
	return answer(w, err)
}

func answer(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}

// endGrantOf ends the grant of a token if the token is genuine and clientID's. It
// reports whether there was such a grant.
func (h *handler) endGrantOf(r *http.Request, token credential.Secret, clientID string, also func(store.Grant) bool) (done bool, err error) {
	ctx := r.Context()
	id, genuine, err := h.grantOf(ctx, token, edge.Issuer(r).String())
	if err != nil || id == "" {
		return false, err
	}
	err = h.Store.RevokeGrant(ctx, id, "revoked by the client", func(g store.Grant) error {
		done = g.ClientID == clientID && genuine(g) && also(g)
		if !done {
			return errForeign
		}
		return nil
	})
	if errors.Is(err, errForeign) {
		return false, nil
	}
	if err == nil && done {
		h.auditEnd(ctx, clientID, id, "client", "revoked by the client")
	}
	return done, err
}

// grantOf returns the id of the grant that a token names, and how to tell that the
// grant really issued it. The id is empty for what is no token of ours. An access
// token that has expired still names its grant, which may live on by refreshes.
func (h *handler) grantOf(ctx context.Context, token credential.Secret, issuer string) (id string, genuine func(store.Grant) bool, err error) {
	if id, ok := store.RefreshGrantID(token); ok {
		return id, func(g store.Grant) bool { return store.GenuineRefreshToken(g, token) }, nil
	}
	claims, err := h.Verifier.Identify(ctx, token, issuer, oauth.Resource(issuer))
	if _, refused := errors.AsType[*oauth.Error](err); refused {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	return claims.GrantID, func(g store.Grant) bool { return g.ClientID == claims.ClientID }, nil
}
