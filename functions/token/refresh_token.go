package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// refreshToken rotates a refresh token (RFC 6749 §6, OAuth 2.1 §4.3). The access
// token may have fewer scopes than the grant; the refresh token keeps them all.
func (h *handler) refreshToken(ctx context.Context, r *http.Request, client store.Client, form strict.Form) (response, error) {
	token := credential.Wrap(form.Get("refresh_token"))
	if token.IsZero() {
		return response{}, oauth.Refuse(oauth.InvalidRequest, "refresh_token is missing")
	}
	asked, err := oauth.ParseScopes(form.Get("scope"))
	if err != nil {
		return response{}, err
	}
	if err := h.Issuer.Ready(ctx); err != nil {
		return response{}, err // before the token is rotated
	}
	var scopes oauth.Scopes
	check := func(g *store.Grant) error {
		if scopes, err = narrow(asked, g.Scopes); err != nil {
			return err
		}
		return requestedResource(r, form, g.Resource)
	}
	rotation, err := h.rotate(ctx, token, client, check)
	if err != nil {
		return response{}, err
	}
	telemetry.Audit(ctx, h.Log, telemetry.TokenRefreshed, slog.String("client_id", client.ID), grantField(rotation.Grant.ID))
	return h.respond(ctx, edge.Issuer(r).String(), rotation.Grant, scopes, rotation.Refresh)
}

// rotate exchanges the token. When the person's right to enter has to be asked for
// anew, that happens between two attempts: no call goes out inside a transaction.
func (h *handler) rotate(ctx context.Context, token credential.Secret, client store.Client, check func(*store.Grant) error) (store.Rotation, error) {
	rotation, err := h.Store.Rotate(ctx, token, client.ID, func(g *store.Grant) error {
		if err := check(g); err != nil {
			return err
		}
		return h.mayStay(*g)
	})
	if due, ok := errors.AsType[*entryDue](err); ok {
		person, refused := h.askAgain(ctx, due.grant)
		if refused != nil {
			return store.Rotation{}, refused
		}
		rotation, err = h.Store.Rotate(ctx, token, client.ID, func(g *store.Grant) error {
			g.Person = person
			return check(g)
		})
	}
	return rotation, h.noteReuse(ctx, rotation, err)
}

func (h *handler) noteReuse(ctx context.Context, rotation store.Rotation, err error) error {
	if rotation.Reused {
		telemetry.Audit(ctx, h.Log, telemetry.RefreshReused, slog.String("client_id", rotation.Grant.ClientID), grantField(rotation.Grant.ID))
		h.auditEnd(ctx, rotation.Grant.ClientID, rotation.Grant.ID, "server", "refresh token reused")
	}
	return err
}

// narrow returns the scopes of the next access token: those asked for, which must be
// within the grant (RFC 6749 §6). Unknown scopes are dropped as they were at first; a
// request that names only such gets the whole grant.
func narrow(asked, granted oauth.Scopes) (oauth.Scopes, error) {
	var known oauth.Scopes
	for _, s := range asked {
		if oauth.SupportedScopes().Contains(s) {
			known = append(known, s)
		}
	}
	if len(known) == 0 {
		return granted, nil
	}
	if !known.Within(granted) {
		return nil, oauth.Refuse(oauth.InvalidScope, "scope exceeds what was granted: %s", granted)
	}
	return known, nil
}
