package token

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// authorizationCode redeems a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (h *handler) authorizationCode(ctx context.Context, r *http.Request, client store.Client, form strict.Form) (response, error) {
	code, verifier := credential.Wrap(form.Get("code")), form.Get("code_verifier")
	switch {
	case code.IsZero():
		return response{}, oauth.Refuse(oauth.InvalidRequest, "code is missing")
	case verifier == "":
		return response{}, oauth.Refuse(oauth.InvalidRequest, "code_verifier is missing (RFC 7636)")
	}
	if err := h.Issuer.Ready(ctx); err != nil {
		return response{}, err // before the code is consumed
	}
	red, replayed, err := h.Store.RedeemCode(ctx, code, client, func(c store.Code) error {
		// OAuth 2.1 clients leave redirect_uri out here; 2.0 clients send it.
		if uri := form.Get("redirect_uri"); uri != "" && uri != c.RedirectURI {
			return oauth.Refuse(oauth.InvalidGrant, "redirect_uri is not the one of the authorization request")
		}
		if err := c.Challenge.Verify(verifier); err != nil {
			return err
		}
		return requestedResource(r, form, c.Resource)
	})
	if replayed {
		telemetry.Audit(ctx, h.Log, telemetry.CodeReplayed, slog.String("client_id", client.ID), grantField(red.Grant.ID))
		if red.Grant.ID != "" {
			h.auditEnd(ctx, client.ID, red.Grant.ID, "server", "code replayed")
		}
	}
	if err != nil {
		return response{}, err
	}
	telemetry.Audit(ctx, h.Log, telemetry.CodeRedeemed, slog.String("client_id", client.ID), grantField(red.Grant.ID))
	return h.respond(ctx, edge.Issuer(r).String(), red.Grant, red.Grant.Scopes, red.Refresh)
}

// auditEnd writes the line of a grant that ended before its time, whoever ended it.
func (h *handler) auditEnd(ctx context.Context, clientID, grantID, by, reason string) {
	telemetry.Audit(ctx, h.Log, telemetry.GrantRevoked, slog.String("client_id", clientID), grantField(grantID),
		slog.String("by", by), slog.String("reason", reason))
}

func grantField(id string) slog.Attr {
	if id == "" {
		return slog.Attr{} // left out
	}
	return slog.String("grant", store.GrantDocument(id))
}
