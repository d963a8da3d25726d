package oauthtest

import (
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// document serves JSON under the name by which [OpenID.Alter] knows it.
func (p *OpenID) document(what string, f func() map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		body := f()
		p.change(what, body)
		p.mu.Unlock()
		writeJSON(w, http.StatusOK, body)
	}
}

func (p *OpenID) change(what string, body map[string]any) {
	if f := p.alter[what]; f != nil {
		f(body)
	}
}

func (p *OpenID) describe() map[string]any {
	origin := p.URL
	if u, err := url.Parse(p.URL); err == nil {
		origin = u.Scheme + "://" + u.Host
	}
	return map[string]any{
		"issuer": p.URL, "authorization_endpoint": origin + "/authorize", "token_endpoint": origin + "/token",
		"jwks_uri": origin + "/jwks", "userinfo_endpoint": origin + "/userinfo",
		"revocation_endpoint":                            origin + "/revoke",
		"id_token_signing_alg_values_supported":          []string{"ES256"},
		"scopes_supported":                               []string{"openid", "profile", "email", "offline_access"},
		"authorization_response_iss_parameter_supported": true,
		"backchannel_logout_supported":                   true, "backchannel_logout_session_supported": true,
	}
}

func (p *OpenID) publish() map[string]any {
	var public []jose.JSONWebKey
	for _, k := range p.keys {
		public = append(public, k.Public())
	}
	return map[string]any{"keys": public}
}

// page is the sign-in form. What was asked for travels in it.
func (p *OpenID) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<title>Sign in</title><form method="post" action="/login">`+
		`<input type="hidden" name="request" value="%s"><input name="login"><button>Sign in</button></form>`,
		html.EscapeString(r.URL.RawQuery))
}

func (p *OpenID) signIn(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.FormValue("request"))
	back, backErr := url.Parse(q.Get("redirect_uri"))
	if err != nil || backErr != nil || q.Get("client_id") != p.ClientID || q.Get("code_challenge_method") != "S256" ||
		!slices.Contains(strings.Fields(q.Get("scope")), "openid") || q.Get("response_type") != "code" {
		http.Error(w, "not a request for this provider", http.StatusBadRequest)
		return
	}
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	answer.Set("iss", p.URL)
	p.mu.Lock()
	if login := r.FormValue("login"); p.person(login).Disabled {
		answer.Set("error", "access_denied")
	} else {
		answer.Set("code", p.issue(login, q))
	}
	p.mu.Unlock()
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *OpenID) issue(login string, q url.Values) string {
	p.issued++
	s := &openIDSession{sid: "sid-" + strconv.Itoa(p.issued), login: login}
	p.sessions[s.sid] = s
	code := "code-" + rand.Text()
	p.codes[code] = openIDCode{
		sid: s.sid, challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"),
		offline: slices.Contains(strings.Fields(q.Get("scope")), "offline_access"),
	}
	return code
}

// Issue returns a code as if login had signed in by that authorization URL.
func (p *OpenID) Issue(login, authorizeURL string) string {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.issue(login, u.Query())
}
