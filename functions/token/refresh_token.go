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

// due is the error of a refresh before which the provider has to be asked: whether the person
// may still enter, or for a newer token of theirs.
type due struct {
	grant        store.Grant
	entry, token bool
}

func (*due) Error() string { return "the identity provider has to be asked first" }

// rotate exchanges the token. What the provider has to be asked is asked between two attempts:
// no call goes out inside a transaction.
func (h *handler) rotate(
	ctx context.Context, req tokenRequest, clientID string, check func(store.Grant) error,
) (store.Rotation, error) {
	rotation, err := h.Store.Rotate(ctx, req.refreshToken, clientID, func(g *store.Grant) error {
		if err := check(*g); err != nil {
			return err
		}
		entry, err := h.entryDue(*g)
		if token := h.handsOn(*g, req.issuer.String()); err == nil && (entry || token) {
			err = &due{*g, entry, token}
		}
		return err
	})
	first, ok := errors.AsType[*due](err)
	if !ok {
		return rotation, err
	}
	person, err := h.ask(ctx, first)
	if err != nil {
		return store.Rotation{}, err
	}
	return h.Store.Rotate(ctx, req.refreshToken, clientID, func(g *store.Grant) error {
		if first.entry {
			g.Person = person
		}
		return check(*g)
	})
}

// ask asks the provider what is due. It returns the person of today.
func (h *handler) ask(ctx context.Context, d *due) (person store.Person, err error) {
	if d.entry {
		person, err = h.askAgain(ctx, d.grant)
	}
	if err == nil && d.token {
		err = h.freshen(ctx, d.grant)
	}
	return person, err
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
