package mcp

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
)

// authenticate returns who calls. It is the only way in: a token that verifies, of a
// grant that lives, of a person whom ALLOW still admits.
func (h *handler) authenticate(r *http.Request) (Caller, error) {
	token, err := bearerToken(r)
	if err != nil {
		return Caller{}, err
	}
	issuer := edge.Issuer(r).String()
	claims, err := h.Verifier.Verify(r.Context(), token, issuer, h.ID(issuer))
	if err != nil {
		return Caller{}, err
	}
	known := h.documentsOf(claims)
	telemetry.Add(r.Context(), slog.String("client_id", claims.ClientID), known[0], known[1])
	grant, err := h.liveGrant(r, claims)
	if err != nil {
		return Caller{}, err
	}
	return newCaller(claims, grant), nil
}

// documentsOf names the grant and the person of a token as the log knows them, by hashes that are
// worked out once for a token.
func (h *handler) documentsOf(c accesstoken.Claims) [2]slog.Attr {
	if known, ok := h.documents.Get(c.ID); ok {
		return known
	}
	known := [2]slog.Attr{
		slog.String("grant", store.GrantDocument(c.GrantID)), slog.String("person", store.PersonDocument(c.Subject)),
	}
	h.documents.Put(c.ID, known)
	return known
}

// liveGrant returns the grant that the token hangs from, if it can still be used. The
// person may have been let in by a rule that is gone (UP-10): the client is then told
// to refresh, where the rules are asked again.
func (h *handler) liveGrant(r *http.Request, claims accesstoken.Claims) (store.Grant, error) {
	grant, err := h.grants.look(r.Context(), claims.GrantID)
	if err == nil && !h.Allow.Has(grant.Person.AllowedBy) {
		// A refresh since the last look may have found another rule.
		grant, err = h.grants.lookAgain(r.Context(), claims.GrantID, claims.IssuedAt)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return grant, oauth.RefuseBecause(err, oauth.InvalidToken, "the connection was ended: sign in again")
	case err != nil:
		return grant, err // a fault, never a verdict (AT-10)
	case grant.ClientID != claims.ClientID || grant.Person.Subject != claims.Subject ||
		grant.Resource != claims.Audience:
		return grant, oauth.Refuse(oauth.InvalidToken, "the access token does not fit its connection")
	case !h.Allow.Has(grant.Person.AllowedBy):
		return grant, oauth.Refuse(oauth.InvalidToken, "who may enter has changed: refresh the token")
	}
	return grant, nil
}

// bearerToken returns the token of the one Authorization header, which is the only
// place where it may be (RFC 6750 §2.1; MCP: not in the query string). Another scheme
// is not a credential of ours, and neither is a Bearer without a token, which some clients
// send before they have one (E5). The edge has refused a second header.
func bearerToken(r *http.Request) (credential.Secret, error) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.Trim(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return credential.Secret{}, edge.ErrNoCredentials
	}
	if r.URL.RawQuery != "" && r.URL.Query().Has("access_token") {
		return credential.Secret{}, oauth.Refuse(oauth.InvalidRequest,
			"send the access token once, in the Authorization header")
	}
	if !b64token(token) {
		return credential.Secret{}, oauth.Refuse(oauth.InvalidRequest,
			"the Authorization header must be Bearer and one token")
	}
	return credential.Wrap(token), nil
}

// b64token reports whether s has the form of RFC 6750 §2.1: 1*( ALPHA / DIGIT / "-" /
// "." / "_" / "~" / "+" / "/" ) *"=". A comma, as before a second credential, does not belong to it.
func b64token(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
