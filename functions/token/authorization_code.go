package token

import (
	"context"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// authorizationCode redeems a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (h *handler) authorizationCode(ctx context.Context, req tokenRequest, client store.Client) (granted, error) {
	red, replayed, err := h.Store.RedeemCode(ctx, req.code, req.identity, client, func(c store.Code) error {
		// OAuth 2.1 clients leave redirect_uri out here; 2.0 clients send it.
		if req.redirectURI != "" && req.redirectURI != c.RedirectURI {
			return oauth.Refuse(oauth.InvalidGrant, "redirect_uri is not the one of the authorization request")
		}
		if err := c.Challenge.Verify(req.verifier); err != nil {
			return err
		}
		return req.resource.check(c.Resource)
	})
	if replayed {
		h.auditReplay(ctx, client.ID, red.Grant.ID)
	}
	if err != nil {
		return granted{}, err
	}
	if red.Repeated {
		telemetry.Add(ctx, telemetry.Repeated(), grantField(red.Grant.ID))
	} else {
		h.audit(ctx, telemetry.CodeRedeemed, client.ID, red.Grant.ID)
	}
	return granted{grant: red.Grant, scopes: red.Grant.Scopes, offline: red.Grant.Offline, refresh: red.Refresh}, nil
}
