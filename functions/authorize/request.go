package authorize

import (
	"net/url"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/upstream"
)

// A request is an authorization request.
type request struct {
	ClientID    string          `json:"c"`
	RedirectURI string          `json:"u"`
	State       string          `json:"s,omitempty"`
	Challenge   oauth.Challenge `json:"p"`
	Scopes      oauth.Scopes    `json:"o"`
	Resource    string          `json:"a"`
	Hints       upstream.Hints  `json:"h,omitzero"`  // for the provider
	Offline     bool            `json:"f,omitempty"` // offline_access is asked for
	Language    string          `json:"l,omitempty"` // of the pages, if the client wished for one that there is

	// CIMD is the copy of what a CIMD client published when the page was made, by
	// which the sign-in is completed. It is nil for a registered client, which is
	// looked up again.
	CIMD *store.CIMDCopy `json:"m,omitempty"`
}

// maxState is the longest state in bytes. It travels in a cookie.
const maxState = 2000

// readRequest reads the request and checks everything but client and redirect URI, which
// are there, unchecked, beside an error as well. The error is a refusal that the client
// is meant to read.
func readRequest(params strict.Form, issuer string, resources oauth.Resources) (request, error) {
	req := request{
		ClientID: params.Get("client_id"), RedirectURI: params.Get("redirect_uri"), State: params.Get("state"),
		Hints: readHints(params),
	}
	if err := checkUnsupported(params); err != nil {
		return req, err
	}
	if len(req.State) > maxState {
		return req, oauth.Refuse(oauth.InvalidRequest, "state is longer than %d bytes", maxState)
	}
	switch params.Get("response_type") {
	case oauth.ResponseTypeCode:
	case "":
		return req, oauth.Refuse(oauth.InvalidRequest, "response_type is missing: send code")
	default:
		return req, oauth.Refuse(oauth.UnsupportedResponseType, "response_type must be code")
	}
	var err error
	req.Challenge, err = oauth.ParseChallenge(params.Get("code_challenge"), params.Get("code_challenge_method"))
	if err != nil {
		return req, err
	}
	resource, err := resources.Parse(params.All("resource"), issuer)
	if err != nil {
		return req, err
	}
	req.Resource = resource.ID(issuer)
	asked, err := oauth.ParseScopes(params.Get("scope"))
	if err != nil {
		return req, err
	}
	req.Scopes, req.Offline = resource.Scopes.Granted(asked), asked.Contains(oauth.ScopeOffline)
	return req, nil
}

// query is the request as a client would send it, which [readRequest] reads as the same.
func (r request) query() url.Values {
	scopes := r.Scopes
	if r.Offline {
		scopes = append(slices.Clone(scopes), oauth.ScopeOffline)
	}
	q := url.Values{
		"response_type": {oauth.ResponseTypeCode}, "client_id": {r.ClientID}, "redirect_uri": {r.RedirectURI},
		"code_challenge": {string(r.Challenge)}, "code_challenge_method": {oauth.ChallengeMethodS256},
		"scope": {scopes.String()}, "resource": {r.Resource},
	}
	for name, value := range map[string]string{
		"state": r.State, "prompt": strings.Join(r.Hints.Prompt, " "),
		"login_hint": r.Hints.LoginHint, "domain_hint": r.Hints.DomainHint, "ui_locales": r.Language,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// checkUnsupported refuses what would change the meaning of the request if it were
// ignored. Everything else we do not know is ignored (RFC 6749 §3.1).
func checkUnsupported(params strict.Form) error {
	switch {
	case params.Has("request"):
		return oauth.Refuse(oauth.RequestNotSupported, "request objects are not supported: send plain parameters")
	case params.Has("request_uri"):
		return oauth.Refuse(oauth.RequestURINotSupported, "request_uri is not supported: send plain parameters")
	case params.Has("response_mode") && params.Get("response_mode") != "query":
		return oauth.Refuse(oauth.InvalidRequest, "response_mode must be query, or be left out")
	case slices.Contains(strings.Fields(params.Get("prompt")), "none"):
		return oauth.Refuse(oauth.LoginRequired, "prompt=none cannot be met: the person is asked every time")
	}
	return nil
}
