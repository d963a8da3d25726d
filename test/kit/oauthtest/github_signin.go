package oauthtest

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/origin"
)

// sessionCookie is GitHub's own name for it.
const sessionCookie = "user_session"

type issuedCode struct {
	account     int64
	redirectURI string
	scopes      scopeSet
	challenge   string
	expiry      time.Time
	used        bool
}

var githubPages = template.Must(template.New("").Parse(`
{{define "signin"}}<!doctype html><title>Sign in to GitHub</title>
<form action="/session" method="post"><input type="hidden" name="return_to" value="{{.ReturnTo}}">
<label>Username <input type="text" name="login" value="{{.Login}}"></label>
<input type="submit" name="commit" value="Sign in"></form>{{end}}
{{define "consent"}}<!doctype html><title>Authorize application</title>
<form action="/login/oauth/authorize" method="post">
{{range $k, $v := .}}<input type="hidden" name="{{$k}}" value="{{index $v 0}}">
{{end}}<button name="authorize" value="0">Cancel</button>
<button name="authorize" value="1">Authorize</button></form>{{end}}`))

type signInForm struct{ ReturnTo, Login string }

func (g *GitHub) page(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := githubPages.ExecuteTemplate(w, name, data); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// authorize answers GET /login/oauth/authorize: sign in first, then consent, and
// straight back for who has approved these scopes before.
func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !g.checkRequest(w, r, q) {
		return
	}
	login := q.Get("login")
	q.Del("login") // it is for the sign-in page alone
	id, signedIn := g.session(r)
	if !signedIn || q.Get("prompt") == "select_account" {
		q.Del("prompt") // or the page would come again after it
		g.page(w, "signin", signInForm{"/login/oauth/authorize?" + q.Encode(), login})
		return
	}
	if !g.approvedBefore(id, q) {
		g.page(w, "consent", q)
		return
	}
	g.sendBack(w, r, id, q)
}

// checkRequest refuses what GitHub refuses before it shows anything.
func (g *GitHub) checkRequest(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	if q.Get("client_id") != g.ClientID {
		http.Error(w, "404 no such application", http.StatusNotFound)
		return false
	}
	if !g.redirectAllowed(q.Get("redirect_uri")) {
		if g.callback == "" {
			http.Error(w, "redirect_uri mismatch", http.StatusBadRequest)
			return false
		}
		g.redirectError(w, r, g.callback, q.Get("state"), "redirect_uri_mismatch")
		return false
	}
	if q.Has("code_challenge") && (q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43) {
		http.Error(w, "code_challenge_method must be S256", http.StatusBadRequest)
		return false
	}
	return true
}

// redirectAllowed is GitHub's rule: host and port as registered, the path at or
// below the registered one; without a registered URL, anything on loopback.
func (g *GitHub) redirectAllowed(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	if g.callback == "" {
		return origin.Loopback(u.Hostname())
	}
	registered, err := url.Parse(g.callback)
	if err != nil {
		return false
	}
	below := u.Path == registered.Path || strings.HasPrefix(u.Path, strings.TrimSuffix(registered.Path, "/")+"/")
	return u.Scheme == registered.Scheme && u.Host == registered.Host && below
}

func (g *GitHub) session(r *http.Request) (int64, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return 0, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	id, ok := g.sessions[c.Value]
	return id, ok
}

// signIn answers POST /session: the account's cookie, and back to where the browser was.
func (g *GitHub) signIn(w http.ResponseWriter, r *http.Request) {
	login, returnTo := r.PostFormValue("login"), r.PostFormValue("return_to")
	if login == "" || !strings.HasPrefix(returnTo, "/login/oauth/authorize?") {
		g.page(w, "signin", signInForm{ReturnTo: returnTo})
		return
	}
	value := rand.Text()
	g.mu.Lock()
	g.sessions[value] = g.idOf(login)
	g.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		// WebKit takes no Secure cookie over http, not even on loopback.
		Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, returnTo, http.StatusFound)
}

// approvedBefore reports whether consent is skipped. Without a scope parameter an
// earlier approval of any scopes is enough, and its scopes are granted again.
func (g *GitHub) approvedBefore(id int64, q url.Values) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, ok := g.approvals[id]
	return ok && before.covers(parseScopes(q.Get("scope")))
}

// decide answers the consent form.
func (g *GitHub) decide(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	q := r.PostForm
	if !g.checkRequest(w, r, q) {
		return
	}
	id, ok := g.session(r)
	if !ok {
		http.Error(w, "sign in first", http.StatusForbidden)
		return
	}
	if q.Get("authorize") != "1" {
		g.redirectError(w, r, q.Get("redirect_uri"), q.Get("state"), "access_denied")
		return
	}
	g.mu.Lock()
	if g.approvals[id] == nil {
		g.approvals[id] = scopeSet{}
	}
	for name := range parseScopes(q.Get("scope")) {
		g.approvals[id][name] = true
	}
	g.mu.Unlock()
	g.sendBack(w, r, id, q)
}

// sendBack issues a code, for ten minutes, bound to the redirect URI and the challenge.
func (g *GitHub) sendBack(w http.ResponseWriter, r *http.Request, id int64, q url.Values) {
	code := strings.ToLower(rand.Text())[:20]
	scopes := parseScopes(q.Get("scope"))
	g.mu.Lock()
	if len(scopes) == 0 {
		scopes = parseScopes(g.approvals[id].String())
	}
	g.codes[code] = &issuedCode{
		account:     id,
		redirectURI: q.Get("redirect_uri"),
		scopes:      scopes,
		challenge:   q.Get("code_challenge"),
		expiry:      g.now().Add(10 * time.Minute),
	}
	g.mu.Unlock()
	redirect(w, r, q.Get("redirect_uri"), url.Values{"code": {code}}, q.Get("state"))
}

func (g *GitHub) redirectError(w http.ResponseWriter, r *http.Request, to, state, code string) {
	redirect(w, r, to, url.Values{
		"error":             {code},
		"error_description": {"The <b>user</b> has denied your application access."},
		"error_uri":         {"https://docs.github.com/apps/troubleshooting"},
	}, state)
}

func redirect(w http.ResponseWriter, r *http.Request, to string, add url.Values, state string) {
	if state != "" {
		add.Set("state", state)
	}
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	http.Redirect(w, r, to+sep+add.Encode(), http.StatusFound)
}
