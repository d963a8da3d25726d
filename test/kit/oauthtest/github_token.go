package oauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// tokenLimit is how many tokens GitHub keeps per account, app and scopes (field case K1).
const tokenLimit = 10

type issuedToken struct {
	account int64
	scopes  scopeSet
	order   int
	until   time.Time // zero does not end
}

// accessToken answers POST /login/oauth/access_token. Errors have status 200 (K6).
func (g *GitHub) accessToken(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		g.answerToken(w, r, tokenError("bad_verification_code"))
		return
	}
	if !g.appAuthenticated(r) {
		g.answerToken(w, r, tokenError("incorrect_client_credentials"))
		return
	}
	if r.PostForm.Get("grant_type") == "refresh_token" {
		g.answerToken(w, r, g.renew(r.PostForm))
		return
	}
	g.answerToken(w, r, g.redeem(r.PostForm))
}

// appAuthenticated takes the app's credentials from the form or from Basic.
func (g *GitHub) appAuthenticated(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return id == g.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(g.ClientSecret)) == 1
}

// redeem takes the code once, whatever else is wrong.
func (g *GitHub) redeem(form url.Values) url.Values {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.codes[form.Get("code")]
	if c == nil || c.used || g.now().After(c.expiry) {
		return tokenError("bad_verification_code")
	}
	c.used = true
	if form.Has("redirect_uri") && form.Get("redirect_uri") != c.redirectURI {
		return tokenError("redirect_uri_mismatch")
	}
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if c.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
		return tokenError("bad_verification_code")
	}
	if g.app {
		return g.issueApps(c.account)
	}
	return url.Values{
		"access_token": {g.issueToken(c.account, c.scopes)},
		"scope":        {c.scopes.String()},
		"token_type":   {"bearer"},
	}
}

// appLife is how long a token of a GitHub App works.
const appLife = 8 * time.Hour

// issueApps makes a token as GitHub gives it to an App: it may what the App may.
func (g *GitHub) issueApps(account int64) url.Values {
	access, refresh := "ghu_"+(rand.Text() + rand.Text())[:36], "ghr_"+rand.Text()
	g.issued++
	g.tokens[access] = &issuedToken{
		account: account, scopes: parseScopes("read:org,user:email"), order: g.issued, until: g.now().Add(appLife),
	}
	g.refresh[refresh] = access
	return url.Values{
		"access_token": {access}, "scope": {""}, "token_type": {"bearer"},
		"expires_in": {strconv.Itoa(int(appLife.Seconds()))}, "refresh_token": {refresh},
		"refresh_token_expires_in": {"15897600"},
	}
}

// renew takes a refresh token once, and ends what was given with it.
func (g *GitHub) renew(form url.Values) url.Values {
	g.mu.Lock()
	defer g.mu.Unlock()
	access, ok := g.refresh[form.Get("refresh_token")]
	t := g.tokens[access]
	if !ok || t == nil {
		return tokenError("bad_refresh_token")
	}
	delete(g.refresh, form.Get("refresh_token"))
	delete(g.tokens, access)
	return g.issueApps(t.account)
}

// issueToken makes a token and drops the oldest beyond the limit.
func (g *GitHub) issueToken(account int64, scopes scopeSet) string {
	value := "gho_" + (rand.Text() + rand.Text())[:36]
	g.issued++
	g.tokens[value] = &issuedToken{account: account, scopes: scopes, order: g.issued}
	var oldest string
	n := 0
	for v, t := range g.tokens {
		if t.account != account || t.scopes.String() != scopes.String() {
			continue
		}
		n++
		if oldest == "" || t.order < g.tokens[oldest].order {
			oldest = v
		}
	}
	if n > tokenLimit {
		delete(g.tokens, oldest)
	}
	return value
}

// IssueToken gives a token to login without a sign-in; scopes is a scope parameter.
func (g *GitHub) IssueToken(login, scopes string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.issueToken(g.idOf(login), parseScopes(scopes))
}

func tokenError(code string) url.Values {
	return url.Values{
		"error":             {code},
		"error_description": {"The code passed is <b>incorrect</b> or expired."},
		"error_uri":         {"https://docs.github.com/apps/troubleshooting#" + code},
	}
}

// answerToken writes a form, or JSON for who asks for it.
func (g *GitHub) answerToken(w http.ResponseWriter, r *http.Request, v url.Values) {
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte(v.Encode()))
		return
	}
	members := map[string]string{}
	for k := range v {
		members[k] = v.Get(k)
	}
	writeJSON(w, http.StatusOK, members)
}

// deleteToken answers DELETE /applications/{id}/token, which the app itself calls.
func (g *GitHub) deleteToken(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != g.ClientID || id != r.PathValue("id") || secret != g.ClientSecret {
		writeJSON(w, http.StatusUnauthorized, message("Bad credentials"))
		return
	}
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.AccessToken == "" {
		writeJSON(w, http.StatusUnprocessableEntity, message("Validation Failed"))
		return
	}
	g.mu.Lock()
	_, ok = g.tokens[body.AccessToken]
	delete(g.tokens, body.AccessToken)
	g.mu.Unlock()
	if !ok {
		writeJSON(w, http.StatusNotFound, message("Not Found"))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
