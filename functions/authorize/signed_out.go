package authorize

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// signedOut takes the provider's word that somebody signed out there (OpenID Connect
// Back-Channel Logout 1.0 §2.5), and ends what hangs from the sign-in. The logout token proves
// whose word it is, so nothing else does. It may come again: there is nothing left to end, and
// what began after it is another sign-in's.
func (h *handler) signedOut(w http.ResponseWriter, r *http.Request) error {
	provider, ok := h.Provider.(upstream.SignOutReceiver)
	if !ok {
		return httperr.Status(http.StatusNotFound, oauth.Refuse(oauth.InvalidRequest,
			"people do not sign in by OpenID Connect here"))
	}
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	token := form.Get("logout_token")
	if token == "" {
		return oauth.Refuse(oauth.InvalidRequest, "logout_token is missing")
	}
	ctx := r.Context()
	out, err := provider.SignedOut(ctx, token)
	if _, bad := errors.AsType[*oauth.Error](err); bad {
		telemetry.Audit(ctx, h.Log, telemetry.SignOutRefused, slog.String("reason", err.Error()))
	}
	if err != nil {
		return err
	}
	ended, err := h.signOut(ctx, out)
	if err != nil {
		return err
	}
	telemetry.Audit(ctx, h.Log, telemetry.SignOutReceived, slog.Int("grants", ended))
	w.WriteHeader(http.StatusOK)
	return nil
}

// signOut ends the codes and grants of a session, or of a person. It returns how many grants
// it ended. After an error it may be asked again.
func (h *handler) signOut(ctx context.Context, out upstream.SignOut) (ended int, err error) {
	codes, grants := h.ofSignOut(ctx, out)
	for c, err := range codes { // first, for a code may become a grant
		if store.Unreadable(err) || err == nil && !concerns(out, c.Person, c.Issued.After(out.Before)) {
			continue
		}
		if err == nil {
			err = h.Store.RemoveCode(ctx, c.Document)
		}
		if err != nil {
			return ended, err
		}
	}
	for g, err := range grants {
		over := err == nil && (g.Ended(h.Now()) || !concerns(out, g.Person, g.Started.After(out.Before)))
		if store.Unreadable(err) || over {
			continue
		}
		if err == nil {
			err = h.Store.RevokeGrant(ctx, g.ID, "signed out at the identity provider", nil)
		}
		if err != nil {
			return ended, err
		}
		ended++
		telemetry.Audit(ctx, h.Log, telemetry.GrantRevoked, slog.String("client_id", g.ClientID),
			slog.String("grant", store.GrantDocument(g.ID)), slog.String("by", "provider"),
			slog.String("reason", "signed out at the identity provider"))
	}
	return ended, nil
}

// ofSignOut are the codes and grants that a sign-out may be about.
func (h *handler) ofSignOut(
	ctx context.Context, out upstream.SignOut,
) (iter.Seq2[store.StoredCode, error], iter.Seq2[store.Grant, error]) {
	if out.Session != "" {
		return h.Store.CodesOfSession(ctx, out.Session), h.Store.GrantsOfSession(ctx, out.Session)
	}
	person := store.PersonDocument(out.Subject)
	return h.Store.CodesOfPerson(ctx, person), h.Store.GrantsOfPerson(ctx, person)
}

// concerns reports whether a sign-out is about a person's sign-in that was later or not.
func concerns(out upstream.SignOut, p store.Person, later bool) bool {
	return !later && (out.Subject == "" || out.Subject == p.Subject)
}
