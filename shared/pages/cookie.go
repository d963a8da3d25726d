package pages

import (
	"errors"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
)

// cookieName is the name of a cookie of ours on the wire. The prefix makes
// browsers refuse one that another host or path of the domain set (RFC 6265bis
// §4.1.3.2). It needs https, so a development server goes without.
func cookieName(r *http.Request, name string) string {
	if edge.Issuer(r).Secure() {
		return "__Host-" + name
	}
	return name
}

// SetCookie sets a cookie of ours for all paths, kept from scripts and from
// cross-site requests other than navigations. Name has no prefix. It lives for
// maxAge; the browser's session if zero.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/", MaxAge: int(maxAge / time.Second),
		Secure: edge.Issuer(r).Secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// ClearCookie removes a cookie that [SetCookie] set.
func ClearCookie(w http.ResponseWriter, r *http.Request, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r, name), Path: "/", MaxAge: -1,
		Secure: edge.Issuer(r).Secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Cookie returns the value of a cookie that [SetCookie] set. Of several of one
// name none is ours for sure, so there is none.
func Cookie(r *http.Request, name string) (string, bool) {
	cs := r.CookiesNamed(cookieName(r, name))
	if len(cs) != 1 || cs[0].Value == "" {
		return "", false
	}
	return cs[0].Value, true
}

// SameOrigin refuses the POST of a form that was not on a page of ours, as far
// as the browser says: Sec-Fetch-Site must be same-origin, and Origin ours. A
// page under Referrer-Policy: no-referrer sends "Origin: null" even to its own
// origin, so null counts as not said. The standard library's protection compares
// with Host, which a gateway rewrites. An old browser says neither; the form's
// token and its cookie have to hold on their own.
func SameOrigin(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return otherSite("Sec-Fetch-Site is " + site)
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "null" && origin != edge.Issuer(r).String() {
		return otherSite("another Origin")
	}
	return nil
}

func otherSite(cause string) error {
	return Say(httperr.Status(http.StatusForbidden,
		oauth.RefuseBecause(errors.New(cause), oauth.AccessDenied, "the form was sent from another site")), OtherSite)
}

// Prefetch reports whether a browser asks ahead of the person (Sec-Purpose).
func Prefetch(r *http.Request) bool { return r.Header.Get("Sec-Purpose") != "" }
