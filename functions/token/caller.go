package token

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/strict"
)

// A caller is how a client says who it is, before anything is proved, and where it does.
type caller struct {
	clientID string
	method   string // an oauth.AuthMethod…
	secret   credential.Secret

	issuer  origin.Origin // the server that it called, as the edge settled it
	address string        // where it called from, as limits are counted (edge.ClientKey)
}

// readCaller reads one way of authenticating; two at once are refused (RFC 6749 §2.3).
func readCaller(r *http.Request, form strict.Form) (caller, error) {
	who := caller{issuer: edge.Issuer(r), address: edge.ClientKey(r)}
	if header := r.Header.Get("Authorization"); header != "" {
		return who.byHeader(header, form)
	}
	return who.byBody(form)
}

// byHeader reads a client that authenticates by HTTP Basic. It may repeat its id, and
// nothing else, in the body.
func (who caller) byHeader(header string, form strict.Form) (caller, error) {
	id, secret, ok := parseBasic(header)
	switch {
	case !ok:
		return caller{}, oauth.Refuse(oauth.InvalidClient,
			"the Authorization header must be Basic with the form-encoded client id and secret")
	case form.Has("client_secret") || form.Has("client_assertion"):
		return caller{}, oauth.Refuse(oauth.InvalidRequest, "authenticate in one way only, by header or by body")
	case form.Has("client_id") && form.Get("client_id") != id:
		return caller{}, oauth.Refuse(oauth.InvalidRequest,
			"client_id in the body is not the one in the Authorization header")
	}
	who.clientID, who.method, who.secret = id, oauth.AuthMethodBasic, credential.Wrap(secret)
	return who, nil
}

func (who caller) byBody(form strict.Form) (caller, error) {
	who.clientID, who.method = form.Get("client_id"), oauth.AuthMethodNone
	switch {
	case form.Has("client_assertion"):
		return caller{}, oauth.Refuse(oauth.InvalidClient, "client assertions are not supported")
	case who.clientID == "":
		return caller{}, oauth.Refuse(oauth.InvalidClient,
			"client_id is missing: send it in the body, or with the secret by HTTP Basic")
	case form.Has("client_secret"):
		who.method, who.secret = oauth.AuthMethodPost, credential.Wrap(form.Get("client_secret"))
	}
	return who, nil
}

// parseBasic reads HTTP Basic credentials, both halves form-encoded (RFC 6749 §2.3.1).
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") || len(header) > 4096 || strings.ContainsAny(encoded, "\r\n") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	rawID, rawSecret, ok := strings.Cut(string(decoded), ":")
	if !ok || rawID == "" {
		return "", "", false
	}
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	return id, secret, errID == nil && errSecret == nil
}
