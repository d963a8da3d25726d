package token

import (
	"context"
	"errors"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// refreshToken rotates a refresh token (RFC 6749 §6, OAuth 2.1 §4.3). The access
// token may have fewer scopes than the grant; the refresh token keeps them all.
func (h *handler) refreshToken(ctx context.Context, req tokenRequest, client store.Client) (granted, error) {
	var scopes oauth.Scopes
	check := func(g store.Grant) (err error) {
		if !client.Refreshes() && !g.Offline {
			return oauth.Refuse(oauth.UnauthorizedClient,
				"this client is not registered for the grant type refresh_token, and did not ask for offline_access")
		}
		resource, known := h.Resources.Of(g.Resource, req.issuer.String())
		if !known {
			return oauth.Refuse(oauth.InvalidTarget, "there is no %s any more", g.Resource)
		}
		if scopes, err = narrow(req.scopes, g.Scopes, resource.Scopes.Known()); err != nil {
			return err
		}
		return req.resource.check(g.Resource)
	}
	rotation, err := h.rotate(ctx, req, client.ID, check)
	if rotation.Reused {
		h.auditReuse(ctx, rotation.Grant.ClientID, rotation.Grant.ID)
	}
	if err != nil {
		return granted{}, err
	}
	if rotation.Forwarded > 0 {
		h.auditForwarded(ctx, client.ID, rotation)
	}
	h.audit(ctx, telemetry.TokenRefreshed, client.ID, rotation.Grant.ID)
	offline := rotation.Grant.Offline && (len(req.scopes) == 0 || req.scopes.Contains(oauth.ScopeOffline))
	return granted{grant: rotation.Grant, scopes: scopes, offline: offline, refresh: rotation.Refresh}, nil
}

// rotate exchanges the token. When the person's right to enter has to be asked for
// anew, that happens between two attempts: no call goes out inside a transaction.
func (h *handler) rotate(
	ctx context.Context, req tokenRequest, clientID string, check func(store.Grant) error,
) (store.Rotation, error) {
	rotation, err := h.Store.Rotate(ctx, req.refreshToken, clientID, func(g *store.Grant) error {
		if err := check(*g); err != nil {
			return err
		}
		return h.mayStay(*g)
	})
	due, ok := errors.AsType[*entryDue](err)
	if !ok {
		return rotation, err
	}
	person, err := h.askAgain(ctx, due.grant)
	if err != nil {
		return store.Rotation{}, err
	}
	return h.Store.Rotate(ctx, req.refreshToken, clientID, func(g *store.Grant) error {
		g.Person = person
		return check(*g)
	})
}

// narrow returns the scopes of the next access token: those asked for, which must be
// within the grant's (RFC 6749 §6). Unknown scopes are dropped as they were at first; a
// request that names only such gets all that the grant has. What the grant has is known,
// whatever the operator has changed since.
func narrow(asked, all, known oauth.Scopes) (oauth.Scopes, error) {
	var next oauth.Scopes
	for _, s := range asked {
		if known.Contains(s) || all.Contains(s) {
			next = append(next, s)
		}
	}
	if len(next) == 0 {
		return all, nil
	}
	if !next.Within(all) {
		return nil, oauth.Refuse(oauth.InvalidScope, "scope exceeds what was granted: %s", all)
	}
	return next, nil
}
