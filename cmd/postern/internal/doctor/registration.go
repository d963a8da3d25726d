package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
)

const redirect = "http://127.0.0.1:33418/callback"

// A testClient is the client that doctor registers and deletes.
type testClient struct{ id, path, token string }

// registration registers a client as most programs do, tries what can be tried with
// one, and deletes it again.
func registration(ctx context.Context, p *probe) error {
	a, err := p.register(ctx, redirect)
	if err != nil {
		return err
	}
	if p.closed(a) {
		p.check.Note = "closed: clients have to be made by the operator"
		return nil
	}
	if p.wrongStatus(a, http.StatusCreated) || !p.wantJSON(a) {
		return nil
	}
	p.wantCORS(a)
	p.check.Note = "open"
	g := p.testClient(a)
	defer p.forget(ctx, g)
	p.lookAtRegistration(a)
	for _, try := range []func(context.Context, testClient) error{p.manage, p.consent, p.redeem} {
		if err := try(ctx, g); err != nil {
			return err
		}
	}
	return p.refuseScript(ctx)
}

// closed reports whether registration is refused in words meant for clients, or is
// neither promised nor there.
func (p *probe) closed(a answer) bool {
	metadata := p.documents[families[1][0]].object()
	_, promised := metadata["registration_endpoint"]
	return a.status == http.StatusForbidden && a.isJSON() || a.status == http.StatusUnauthorized ||
		a.status == http.StatusNotFound && metadata != nil && !promised
}

func (p *probe) register(ctx context.Context, redirectURI string) (answer, error) {
	body, err := json.Marshal(map[string]any{
		"client_name": "postern doctor", "redirect_uris": []string{redirectURI}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	})
	if err != nil {
		return answer{}, err
	}
	return p.ask(ctx, request{
		method: http.MethodPost, path: oauth.RegisterPath, body: string(body),
		header: map[string]string{"Content-Type": "application/json", "Origin": inspector},
	})
}

func (p *probe) testClient(a answer) testClient {
	o := a.object()
	g := testClient{id: text(o["client_id"]), token: text(o["registration_access_token"])}
	path, ours := strings.CutPrefix(text(o["registration_client_uri"]), p.origin+"/")
	if !ours || g.token == "" {
		p.found(fmt.Sprintf("%s: registration_client_uri is %q, want one below %s, with its token",
			a, text(o["registration_client_uri"]), p.origin), setIssuer)
		path = strings.TrimPrefix(oauth.RegisterPath, "/") + "/" + url.PathEscape(g.id)
	}
	g.path = "/" + path
	return g
}

// lookAtRegistration looks at what strict clients stumble over (F1, F2).
func (p *probe) lookAtRegistration(a answer) {
	o := a.object()
	if text(o["client_id"]) == "" {
		p.found(fmt.Sprintf("%s: no client_id", a), advice(a))
	}
	method := text(o["token_endpoint_auth_method"])
	if method != "none" || o["client_secret"] != nil {
		p.found(fmt.Sprintf("%s: asked for no secret, got method %q", a, method), advice(a))
	}
	for _, member := range slices.Sorted(maps.Keys(o)) {
		if o[member] == nil || o[member] == "" {
			p.found(fmt.Sprintf("%s: %s is empty", a, member), "leave it out: strict clients refuse the answer")
		}
	}
}

// manage reads the registration back, which only works if the credential arrives.
func (p *probe) manage(ctx context.Context, g testClient) error {
	authorization := map[string]string{"Authorization": "Bearer " + g.token}
	a, err := p.ask(ctx, request{method: http.MethodGet, path: g.path, header: authorization})
	if err != nil {
		return err
	}
	a.request.path = "/register/CLIENT_ID"
	if !p.wrongStatus(a, http.StatusOK) && text(a.object()["client_id"]) != g.id {
		p.found(fmt.Sprintf("%s shows another client", a), advice(a))
	}
	return nil
}

// consent opens the page on which a person would approve. That has no effect (W5).
func (p *probe) consent(ctx context.Context, g testClient) error {
	query := url.Values{
		"response_type": {"code"}, "client_id": {g.id}, "redirect_uri": {redirect}, "state": {"doctor"},
		"resource":              {p.origin + oauth.MCPPath},
		"code_challenge":        {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, // RFC 7636 appendix B
		"code_challenge_method": {"S256"},
	}
	a, err := p.ask(ctx, request{method: http.MethodGet, path: oauth.AuthorizePath + "?" + query.Encode()})
	if err != nil {
		return err
	}
	a.request.path = oauth.AuthorizePath
	if p.wrongStatus(a, http.StatusOK) {
		return nil
	}
	kind := a.header.Get("Content-Type")
	if !strings.HasPrefix(kind, "text/html") {
		p.found(fmt.Sprintf("%s: Content-Type is %q, want the consent page", a, kind), advice(a))
	}
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		p.found(fmt.Sprintf("%s: the consent page may be framed", a),
			"let Content-Security-Policy through every proxy in front")
	}
	return nil
}

// redeem presents a code that nobody issued.
func (p *probe) redeem(ctx context.Context, g testClient) error {
	a, err := p.form(ctx, oauth.TokenPath, url.Values{
		"grant_type": {"authorization_code"}, "code": {"none"}, "client_id": {g.id}, "redirect_uri": {redirect},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	})
	if err == nil && !p.wrongStatus(a, http.StatusBadRequest) && a.code() != string(oauth.InvalidGrant) {
		p.found(fmt.Sprintf("%s: an unknown code is %q, want invalid_grant", a, a.code()), advice(a))
	}
	return err
}

// refuseScript registers a redirect that would run in the browser.
func (p *probe) refuseScript(ctx context.Context) error {
	a, err := p.register(ctx, "javascript:alert(1)")
	if err != nil {
		return err
	}
	if a.status == http.StatusCreated {
		p.found("a client with a javascript: redirect was registered",
			"this is not a registration endpoint of Postern: see what answers /register")
		p.forget(ctx, p.testClient(a))
		return nil
	}
	if !p.wrongStatus(a, http.StatusBadRequest) && a.code() != string(oauth.InvalidRedirectURI) {
		p.found(fmt.Sprintf("%s: a javascript: redirect is %q, want invalid_redirect_uri", a, a.code()), advice(a))
	}
	return nil
}

// forget deletes the client again (RFC 7592 §2.3), even if doctor was interrupted, and
// sees that it is gone.
func (p *probe) forget(ctx context.Context, g testClient) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*requestTime)
	defer cancel()
	header := map[string]string{"Authorization": "Bearer " + g.token}
	a, err := p.ask(ctx, request{method: http.MethodDelete, path: g.path, header: header})
	a.request.path = "/register/CLIENT_ID"
	if err != nil {
		p.unknown(fmt.Sprintf("the client %s could not be deleted: %v", g.id, err),
			"nothing: it expires by itself after CLIENT_UNUSED_TTL")
		return
	}
	if p.wrongStatus(a, http.StatusNoContent) {
		return
	}
	gone, err := p.ask(ctx, request{method: http.MethodGet, path: g.path, header: header})
	gone.request.path = a.request.path
	switch {
	case err != nil:
		p.unknown(fmt.Sprintf("whether the client %s is gone could not be seen: %v", g.id, err),
			"nothing: it expires by itself after CLIENT_UNUSED_TTL")
	case gone.status == http.StatusOK:
		p.found("a deleted client is still there", "see that all functions use one database")
	}
}

// form posts a form as a client in a browser would.
func (p *probe) form(ctx context.Context, path string, values url.Values) (answer, error) {
	return p.ask(ctx, request{method: http.MethodPost, path: path, body: values.Encode(), header: map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Origin": inspector,
	}})
}
