package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

func answering(t testing.TB) edge.Options {
	return edge.Options{Deployment: deployment(t), Answers: pages.Answers}
}

func refusing(http.ResponseWriter, *http.Request) error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: "redirect_uri <script>alert(1)</script>"}
}

// A page cannot be framed, cached or scripted, and has neither form-action nor an opener
// policy (CD-10, CD-15, CD-16, WB-01, WB-04, GEN-10, GEN-11).
func TestEveryPageHasTheStrictPolicy(t *testing.T) {
	t.Parallel()
	page := pages.New("consent", `<p>{{.}}</p>`)
	m := edge.NewMux()
	m.Handle("GET", "/page", pages.Errors(func(w http.ResponseWriter, r *http.Request) error {
		return page.Write(w, r, 200, "<b>")
	}))
	m.Handle("GET", "/refused", pages.Errors(refusing))
	m.Handle("GET", "/panic", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }))
	m.Handle("GET", "/away", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		pages.SeeOther(w, "https://a/")
	}))
	m.Handle("GET", "/explained", pages.Errors(func(http.ResponseWriter, *http.Request) error {
		return pages.Explain(errors.New("x"), page, "<b>")
	}))
	for path, status := range map[string]int{
		"/page": 200, "/refused": 400, "/explained": 503, "/panic": 500, "/nothing": 404, "/away": 303,
	} {
		w := serve(m, answering(t), "GET", path, "", "Accept: text/html,*/*;q=0.8")
		h := w.Header()
		csp := h.Get("Content-Security-Policy")
		if w.Code != status || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Cross-Origin-Opener-Policy") != "" || h.Get("Referrer-Policy") != "no-referrer" ||
			h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %v", path, w.Code, h)
		}
		if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.HasPrefix(csp, "default-src 'none'") ||
			strings.Contains(csp, "form-action") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: got policy %q", path, csp)
		}
		if status == 303 {
			continue
		}
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(w.Body.String())
		if style == nil {
			t.Fatalf("%s: no style in %s", path, w.Body)
		}
		sum := sha256.Sum256([]byte(style[1]))
		if !strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy does not allow the style as it was sent", path)
		}
		if !strings.Contains(w.Body.String(), "Request "+h.Get("X-Request-Id")) {
			t.Errorf("%s: the page does not show the request's id", path)
		}
		if strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), "<b>") {
			t.Errorf("%s: text became markup: %s", path, w.Body)
		}
	}
}

func TestAProgramGetsItsErrorAsJSON(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                               "text/html; charset=utf-8",
		"*/*":                            "text/html; charset=utf-8",
		"text/html,application/json":     "text/html; charset=utf-8",
		"application/json":               "application/json",
		"application/json, */*;q=0.1":    "application/json",
		"text/html;q=0.1, application/*": "application/json",
		"application/json;q=0":           "text/html; charset=utf-8",
		"application/json;q=x":           "text/html; charset=utf-8",
	} {
		w := serve(pages.Errors(refusing), answering(t), "GET", "/", "", "Accept: "+accept)
		if got := w.Header().Get("Content-Type"); got != want || w.Code != 400 {
			t.Errorf("%q: got %d %s, want %s", accept, w.Code, got, want)
		}
	}
}

// One rule for every page: an error that brings its own has the status, the Retry-After and
// the JSON that it would have without.
func TestAPageOfItsOwnChangesNothingElseOfAnError(t *testing.T) {
	t.Parallel()
	page := pages.New("consent", `<p>look here: {{.}}</p>`)
	for name, err := range map[string]error{
		"refusal":     oauth.Refuse(oauth.InvalidRequest, "state is too long"),
		"status":      httperr.Status(http.StatusNotFound, oauth.Refuse(oauth.InvalidClient, "unknown")),
		"unreachable": httperr.Unreachable(oauth.Refuse(oauth.InvalidClient, "no answer")),
		"too many":    httperr.TooMany(1500 * time.Millisecond),
		"fault":       errors.New("disk on fire"),
	} {
		answer := func(err error, accept string) *httptest.ResponseRecorder {
			return serve(pages.Errors(func(http.ResponseWriter, *http.Request) error { return err }),
				answering(t), "GET", "/", "", "Accept: "+accept)
		}
		own := pages.Explain(err, page, "the data")
		for _, accept := range []string{"text/html", "application/json"} {
			got, want := answer(own, accept), answer(err, accept)
			if got.Code != want.Code || got.Header().Get("Retry-After") != want.Header().Get("Retry-After") {
				t.Errorf("%s as %s: got %d, Retry-After %q, want %d, %q", name, accept,
					got.Code, got.Header().Get("Retry-After"), want.Code, want.Header().Get("Retry-After"))
			}
			if isPage := strings.Contains(got.Body.String(), "look here: the data"); isPage != (accept == "text/html") {
				t.Errorf("%s as %s: got %s", name, accept, got.Body)
			}
		}
		if got, want := member(t, answer(own, "application/json"), "error"), string(httperr.Of(err).Code); got != want {
			t.Errorf("%s as JSON: got error %q, want %q", name, got, want)
		}
	}
}

func member(t testing.TB, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	var members map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return members[name]
}

func TestAPageThatDoesNotFitItsDataIsAFault(t *testing.T) {
	t.Parallel()
	page := pages.New("consent", `{{.Missing}}`)
	w := serve(pages.Errors(func(w http.ResponseWriter, r *http.Request) error {
		return page.Write(w, r, 200, struct{}{})
	}), answering(t), "GET", "/", "")
	if w.Code != 503 || strings.Contains(w.Body.String(), "Missing") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestCookiesArePrefixedOnHTTPS(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://auth.example.com": "__Host-tx=v; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax",
		"http://127.0.0.1:8085":    "tx=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax",
	} {
		o := edge.Options{Deployment: edge.Deployment{Issuer: parse(t, issuer)}}
		w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pages.SetCookie(w, r, "tx", "v", 10*time.Minute)
		}), o, "GET", issuer+"/", "")
		if got := w.Header().Get("Set-Cookie"); got != want {
			t.Errorf("%s: got %q, want %q", issuer, got, want)
		}
		name, _, _ := strings.Cut(want, "=")
		for cookies, found := range map[string]bool{
			name + "=v": true, name + "=v; " + name + "=w": false, name + "=": false, "x=y": false,
		} {
			var got string
			var ok bool
			serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got, ok = pages.Cookie(r, "tx")
			}), o, "GET", issuer+"/", "", "Cookie: "+cookies)
			if ok != found || ok && got != "v" {
				t.Errorf("%s, %s: got %q, %t", issuer, cookies, got, ok)
			}
		}
		w = serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pages.ClearCookie(w, r, "tx")
		}), o, "GET", issuer+"/", "")
		got := w.Header().Get("Set-Cookie")
		if !strings.HasPrefix(got, name+"=;") || !strings.Contains(got, "Max-Age=0") {
			t.Errorf("%s: got %q", issuer, got)
		}
	}
	// An unprefixed cookie is not taken for a prefixed one.
	serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := pages.Cookie(r, "tx"); ok {
			t.Error("an unprefixed cookie was taken on https")
		}
	}), edge.Options{Deployment: deployment(t)}, "GET", "/", "", "Cookie: tx=v")
}

// A form counts only from our own origin, as the browser tells (CD-03).
func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		site, origin string
		ok           bool
	}{
		{"", "", true},
		{"same-origin", "https://auth.example.com", true},
		{"same-origin", "null", true},
		{"", "https://auth.example.com", true},
		{"", "https://evil.example", false},
		{"", "https://auth.example.com.evil.example", false},
		{"", "http://auth.example.com", false},
		{"cross-site", "null", false},
		{"cross-site", "", false},
		{"same-site", "", false},
		{"none", "", false},
		{"cross-site", "https://auth.example.com", false},
	} {
		var headers []string
		if c.site != "" {
			headers = append(headers, "Sec-Fetch-Site: "+c.site)
		}
		if c.origin != "" {
			headers = append(headers, "Origin: "+c.origin)
		}
		w := serve(edge.JSONErrors(func(_ http.ResponseWriter, r *http.Request) error {
			return pages.SameOrigin(r)
		}), edge.Options{Deployment: deployment(t)}, "POST", "/", "", headers...)
		if (w.Code == 200) != c.ok || !c.ok && w.Code != 403 {
			t.Errorf("%+v: got %d", c, w.Code)
		}
	}
}
