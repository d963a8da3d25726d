package authorize

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

// registeredPrefixes are where a browser may be sent, port on loopback aside.
var registeredPrefixes = []string{webURI, appURI, "https://client.example/one", "https://client.example/two", longURI,
	"http://127.0.0.1"}

// Any query gives a page: the GET never redirects, sets no cookie but ours, and links to no URI but the
// client's own (RU-14, RU-15, RU-16).
func FuzzAuthorizeQuery(f *testing.F) {
	e := open(f, https, nil)
	for _, changes := range [][]string{
		nil, {"client_id", webID, "redirect_uri", webURI}, {"redirect_uri", "https://evil.example/"},
		{"response_type", "token"},
		{"client_id", "nobody"}, {"client_id", oldID, "redirect_uri", "javascript:alert(1)"}, {"scope", "\""},
		{"resource", "https://x/"},
		{"state", strings.Repeat("<", 3000)}, {"prompt", "none"},
		{"client_id", appID, "redirect_uri", appURI, "code_challenge", "x"},
	} {
		_, query, _ := strings.Cut(e.request(changes...), "?")
		f.Add(query)
		f.Add(query + "&redirect_uri=https%3A%2F%2Fevil.example")
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{
			Method: http.MethodGet, URL: &url.URL{Path: oauth.AuthorizePath, RawQuery: query}, Host: "auth.example.com",
			Proto: "HTTP/1.1", Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1",
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code != http.StatusOK && (w.Code < 400 || w.Code >= 500) || w.Header().Get("Location") != "" {
			t.Fatalf("got %d to %q", w.Code, w.Header().Get("Location"))
		}
		for _, c := range w.Result().Cookies() {
			if w.Code != http.StatusOK || !strings.HasPrefix(c.Name, "__Host-"+consentCookie) {
				t.Errorf("status %d sets cookie %s", w.Code, c.Name)
			}
		}
		for _, link := range strings.Split(w.Body.String(), `href="`)[1:] {
			ours := strings.HasPrefix(link, oauth.AuthorizePath+"?") || strings.HasPrefix(link, `/connections"`)
			if !registered(link) && !ours {
				t.Errorf("the page links to %.100s", link)
			}
		}
	})
}

func registered(location string) bool {
	for _, p := range registeredPrefixes {
		if strings.HasPrefix(location, p) {
			return true
		}
	}
	return false
}

// Any query and cookie at the callback give a page, except those of the browser that approved; and that one
// is sent to the client's own URI alone.
func FuzzCallback(f *testing.F) {
	e := open(f, loopback, nil)
	a := e.approveRaw(f)
	for _, query := range []string{
		"", "state=" + a.state, "state=" + a.state + "&login=octocat", "state=" + a.state + "&error=access_denied",
		"state=" + a.state + "&login=%3Cscript%3E", "state=x.y&code=1", "state=" + a.state + "&state=" + a.state,
		"development=1&state=" + a.state,
	} {
		f.Add(query, a.cookie)
		f.Add(query, "")
		f.Add(query, a.cookie+"; "+a.cookie)
	}
	f.Fuzz(func(t *testing.T, query, cookie string) {
		r := &http.Request{
			Method: http.MethodGet, URL: &url.URL{Path: oauth.CallbackPath, RawQuery: query}, Host: "127.0.0.1:8443",
			Proto: "HTTP/1.1", Header: http.Header{"Cookie": {cookie}}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1",
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r.WithContext(t.Context()))
		to := w.Header().Get("Location")
		ours := strings.Contains(cookie, a.cookie) && strings.Contains(query, url.QueryEscape(a.state))
		switch {
		case to == "" && (w.Code == http.StatusOK && ours || w.Code >= 400 && w.Code < 500):
		case w.Code == http.StatusSeeOther && ours && strings.HasPrefix(to, loopbackURI+"?"):
		default:
			t.Errorf("got %d to %q", w.Code, to)
		}
	})
}
