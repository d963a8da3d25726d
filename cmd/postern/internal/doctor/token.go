package doctor

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/shared/oauth"
)

// authorize asks for the authorization endpoint as nobody should: the answer must stay
// here and be closed to pages of other origins (L4, RFC 9700 §2.6).
func authorize(ctx context.Context, p *probe) error {
	for _, path := range []string{
		oauth.AuthorizePath,
		oauth.AuthorizePath + "?client_id=none&redirect_uri=https%3A%2F%2Fexample.com%2F",
		oauth.CallbackPath + "?state=none&code=none",
	} {
		a, err := p.ask(ctx, request{method: http.MethodGet, path: path, header: map[string]string{
			"Origin": inspector, "Accept": "text/html",
		}})
		if err != nil {
			return err
		}
		if a.fault() {
			p.wrongStatus(a, http.StatusBadRequest, http.StatusForbidden)
		} else if a.status/100 != 4 || a.gateways() || a.status == http.StatusNotFound {
			p.found(fmt.Sprintf("%s: status %d, want a refusal of 400 or 403 on our own page", a, a.status), advice(a))
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			p.found(fmt.Sprintf("%s: Access-Control-Allow-Origin is %q, want none", a, got),
				"something in front adds CORS headers to pages for people: take that away")
		}
	}
	return nil
}

// token asks the token endpoint, revocation and introspection what they must refuse:
// in JSON, readable by a browser, never stored (I4, F9).
func token(ctx context.Context, p *probe) error {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("none:none"))
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		path, authorization, kind, body string
		want                            []int
	}{
		{oauth.TokenPath, "", form, "", []int{400, 401}},
		{oauth.TokenPath, "", form, "grant_type=password", []int{400, 401}},
		{oauth.TokenPath, "", "application/json", "{}", []int{400, 415}},
		{oauth.TokenPath, "", form, "grant_type=refresh_token&refresh_token=none&client_id=none", []int{401}},
		{oauth.TokenPath, basic, form, "grant_type=refresh_token&refresh_token=none", []int{401}},
		{oauth.TokenPath, "Basic ///", form, "grant_type=refresh_token&refresh_token=none", []int{400, 401}},
		{oauth.RevokePath, "", form, "token=none", []int{400, 401}},
		{oauth.IntrospectPath, "", form, "token=none", []int{400, 401}},
	} {
		header := map[string]string{"Content-Type": c.kind, "Origin": inspector}
		if c.authorization != "" {
			header["Authorization"] = c.authorization
		}
		a, err := p.ask(ctx, request{method: http.MethodPost, path: c.path, body: c.body, header: header})
		if err != nil {
			return err
		}
		p.lookAtRefusal(a, c.want)
		noBasic := !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic")
		if c.authorization == basic && a.status == http.StatusUnauthorized && noBasic {
			p.found(fmt.Sprintf("%s: a wrong client secret by Basic meets no Basic challenge", a),
				"Authorization does not reach the function: "+
					"behind API Gateway set TRUST_FORWARDED_AUTHORIZATION=true, elsewhere false")
		}
	}
	return p.wrongMethod(ctx)
}

func (p *probe) lookAtRefusal(a answer, want []int) {
	if p.wrongStatus(a, want...) {
		return
	}
	if !p.wantJSON(a) {
		return
	}
	if a.code() == "" {
		p.found(fmt.Sprintf("%s: status %d without an error code", a, a.status), advice(a))
	}
	p.wantCORS(a)
	if cache := a.header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		p.found(fmt.Sprintf("%s: Cache-Control is %q, want no-store", a, cache),
			"let Cache-Control through every proxy in front, and cache nothing of this path")
	}
}

// wrongMethod sees that a browser can read the refusal of GET.
func (p *probe) wrongMethod(ctx context.Context) error {
	fromPage := map[string]string{"Origin": inspector}
	a, err := p.ask(ctx, request{method: http.MethodGet, path: oauth.TokenPath, header: fromPage})
	if err != nil {
		return err
	}
	if !p.wrongStatus(a, http.StatusMethodNotAllowed) && p.wantJSON(a) {
		p.wantCORS(a)
	}
	return nil
}

// paths asks for what is not there: the answer is a 404 here and now, never a page of
// something else, a redirect or a fault (E1).
func paths(ctx context.Context, p *probe) error {
	for _, path := range []string{
		"/postern-doctor", "/.well-known/postern-doctor", "/mcp/.well-known/postern-doctor",
		"/token/" + url.PathEscape("a b"), "/register/%2e%2e%2ftoken",
	} {
		fromPage := map[string]string{"Origin": inspector}
		a, err := p.ask(ctx, request{method: http.MethodGet, path: path, header: fromPage})
		if err != nil {
			return err
		}
		if !p.wrongStatus(a, http.StatusNotFound) && p.wantJSON(a) && strings.Contains(path, "/.well-known/") {
			p.wantCORS(a)
		}
	}
	return nil
}
