package token

import (
	"net/http"
	"strings"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A tokenRequest is a request for tokens (RFC 6749 §3.2): its form, read once. Nothing
// after the reading sees the form or the HTTP request.
type tokenRequest struct {
	caller
	grantType string

	// Of an authorization_code request.
	code        credential.Secret
	verifier    string
	redirectURI string

	// identity is the same for this HTTP request, however often the platform sends it,
	// and for no other; empty if the platform does not say. See [identityOf].
	identity string

	// Of a refresh_token request.
	refreshToken credential.Secret
	scopes       oauth.Scopes

	// flaw is what is wrong with the parameters of the grant type. It is told after
	// the client has proved itself and that it may use the grant type.
	flaw error

	resource requestedResource
}

// readTokenRequest reads every parameter, each at most once but for resource, and who
// calls. What is wrong with the rest is kept in the request until its turn.
func (h *handler) readTokenRequest(r *http.Request) (tokenRequest, error) {
	form, err := strict.ReadForm(r, "resource")
	if err != nil {
		return tokenRequest{}, err
	}
	who, err := readCaller(r, form)
	if err != nil {
		return tokenRequest{}, err
	}
	req := tokenRequest{
		caller: who, grantType: form.Get("grant_type"), resource: h.readResource(form, who.issuer.String()),
	}
	switch req.grantType {
	case oauth.GrantAuthorizationCode:
		req.readCode(form)
		req.identity = identityOf(r, form)
	case oauth.GrantRefreshToken:
		req.readRefresh(form)
	}
	return req, nil
}

// identityOf returns what tells an HTTP request from every other. A gateway that loses the
// connection to us sends the request again, and only the trace, which it gave or passed on
// before that, is the same in both and in nothing else. A caller can choose a trace, so it
// says no more than "again": who and what it was has to be the same as well.
func identityOf(r *http.Request, form strict.Form) string {
	trace := telemetry.TraceID(r.Context())
	if trace == "" {
		return ""
	}
	// None of them has a line break.
	return credential.Hash(strings.Join([]string{
		trace, edge.ClientAddress(r).String(), r.Header.Get("Authorization"), form.Encode(),
	}, "\n"))
}

func (req *tokenRequest) readCode(form strict.Form) {
	req.code, req.verifier = credential.Wrap(form.Get("code")), form.Get("code_verifier")
	req.redirectURI = form.Get("redirect_uri")
	switch {
	case req.code.IsZero():
		req.flaw = oauth.Refuse(oauth.InvalidRequest, "code is missing")
	case req.verifier == "":
		req.flaw = oauth.Refuse(oauth.InvalidRequest, "code_verifier is missing (RFC 7636)")
	}
}

func (req *tokenRequest) readRefresh(form strict.Form) {
	req.refreshToken = credential.Wrap(form.Get("refresh_token"))
	if req.refreshToken.IsZero() {
		req.flaw = oauth.Refuse(oauth.InvalidRequest, "refresh_token is missing")
		return
	}
	req.scopes, req.flaw = oauth.ParseScopes(form.Get("scope"))
}

// A requestedResource is the resource that a token request names, if it names one
// (RFC 8707 §2.2).
type requestedResource struct {
	id   string // canonical, empty if none was named
	flaw error
}

func (h *handler) readResource(form strict.Form, issuer string) requestedResource {
	if !form.Has("resource") {
		return requestedResource{}
	}
	named, err := h.Resources.Parse(form.All("resource"), issuer)
	if err != nil {
		return requestedResource{flaw: err}
	}
	return requestedResource{id: named.ID(issuer)}
}

// check refuses a resource other than the one that was approved. It is asked about a code
// or token that is alive: a client whose token is dead has to hear that, and sign in again,
// whatever resource it names.
func (r requestedResource) check(approved string) error {
	switch {
	case r.flaw != nil:
		return r.flaw
	case r.id != "" && r.id != approved:
		return oauth.Refuse(oauth.InvalidTarget, "resource must be the one that was granted: %s", approved)
	}
	return nil
}

// A tokenQuery is a request about a token: to revoke it (RFC 7009 §2.1) or to introspect
// it (RFC 7662 §2.1). token_type_hint only speeds up a search, and there is none here.
type tokenQuery struct {
	caller
	token credential.Secret
}

// readTokenQuery reads which token is meant, and who calls.
func readTokenQuery(r *http.Request) (tokenQuery, error) {
	form, err := strict.ReadForm(r)
	if err != nil {
		return tokenQuery{}, err
	}
	who, err := readCaller(r, form)
	return tokenQuery{caller: who, token: credential.Wrap(form.Get("token"))}, err
}

// needToken refuses a query that names no token.
func (q tokenQuery) needToken() error {
	if q.token.IsZero() {
		return oauth.Refuse(oauth.InvalidRequest, "token is missing")
	}
	return nil
}
