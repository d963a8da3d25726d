package authorize

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
)

// text returns what a person reads on a page, and the names of all elements.
func text(tb testing.TB, body string) (string, map[string]int) {
	tb.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	must(tb, err)
	var b strings.Builder
	elements := map[string]int{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			elements[n.Data]++
		}
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " "), elements
}

// The page says who asks, that nobody checked the name, where access goes in full, for what, and
// for how long, essential facts first (CD-11, CON-04, CON-13, H5, WB-03, WB-06, RU-17).
func TestThePageSaysWhoAsksAndWhereAccessGoes(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	for client, want := range map[string][]string{
		webID: {"Web Client", "nobody has checked", "client.example", webURI,
			"use the tools of this server in your name",
			"90 days", https + "/mcp", webID, "auth.example.com"},
		loopbackID: {"Claude", "127.0.0.1:49152", loopbackURI, "A program on your own computer"},
		appID:      {hostileName, "com.example.app:", appURI, "An app on your device"},
		manyID:     {"An application without a name", "https://client.example/two"},
	} {
		uri := map[string]string{webID: webURI, loopbackID: loopbackURI, appID: appURI,
			manyID: "https://client.example/two"}[client]
		w := f.send(t, http.MethodGet, f.request("client_id", client, "redirect_uri", uri), "")
		got, _ := text(t, w.Body.String())
		for _, words := range want {
			if !strings.Contains(got, words) {
				t.Errorf("%s: the page does not say %q:\n%s", client, words, got)
			}
		}
		local := strings.Contains(got, "nobody can prove") || strings.Contains(got, "another app may have")
		if local != (client == loopbackID || client == appID) {
			t.Errorf("%s: warning of a local program: got %t", client, local)
		}
		if strings.Index(got, "Access goes to") > strings.Index(got, "Approve") {
			t.Errorf("%s: the button comes before the address", client)
		}
	}
}

// What stands behind a private-use scheme proves nothing, whatever it is spelled like; the pages name
// the scheme as the place that access goes to (CD-11, RU-17).
func TestThePagesNameWhatIsProved(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	page := func(nameValues ...string) string {
		t.Helper()
		u := f.request(append([]string{"client_id", spoofID, "redirect_uri", spoofURI}, nameValues...)...)
		got, _ := text(t, f.send(t, http.MethodGet, u, "").Body.String())
		return strings.Join(strings.Fields(got), " ")
	}
	const proved = "an app on your device that opens com.evil.app:"
	consent, address, _ := strings.Cut(page(), "Full address")
	if !strings.Contains(consent, "Access goes to "+proved) || strings.Contains(consent, "claude.ai") {
		t.Errorf("the consent page: got %q", consent)
	}
	if !strings.Contains(address, spoofURI) {
		t.Errorf("the consent page does not have the full address: got %q", address)
	}
	if got := page("response_type", "token"); !strings.Contains(got, proved) || strings.Contains(got, "claude.ai") {
		t.Errorf("the page of a refused request: got %q", got)
	}
}

// The person reads beforehand what the provider is asked (CON-04).
func TestThePageSaysWhatTheProviderTells(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		"anyone":                 "your account name and id",
		"org:acme,team:acme/ops": "your account name and id and your membership in organisations and teams",
		"user:octocat,email-domain:example.com,org:acme": "your account name and id, your e-mail address " +
			"and your membership in organisations and teams",
	} {
		allow, err := upstream.ParseAllow(rules)
		must(t, err)
		f := open(t, https, func(f *endpoint) { f.Allow = allow })
		got, _ := text(t, f.send(t, http.MethodGet, f.request(), "").Body.String())
		if !strings.Contains(got, "which tells this server "+want+".") {
			t.Errorf("%s: the page does not say %q:\n%s", rules, want, got)
		}
	}
}

// Whatever a client or a query says stays text (H9, WB-01, UP-14).
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	const payload = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`
	pages := []string{f.request("client_id", appID, "redirect_uri", appURI)}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "resource", "state",
		"code_challenge", "code_challenge_method", "prompt", "request", payload} {
		pages = append(pages, f.request(name, payload), f.request("response_type", "x", name, payload))
	}
	for _, name := range []string{"error", "error_description", "state", "code", payload} {
		pages = append(pages, f.origin+oauth.CallbackPath+"?"+url.Values{name: {payload}}.Encode())
	}
	for _, u := range pages {
		w := f.send(t, http.MethodGet, u, "")
		_, elements := text(t, w.Body.String())
		if elements["script"]+elements["img"]+elements["iframe"] > 0 || w.Header().Get("Location") != "" {
			t.Errorf("%s: got elements %v, location %q", u, elements, w.Header().Get("Location"))
		}
	}
}

// The one link of any scheme leads to the matched redirect URI and carries the error (WB-02).
func TestTheOnlyLinkToAClientIsAMatchedOne(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	w := f.send(t, http.MethodGet, f.request("client_id", appID, "redirect_uri", appURI, "response_type", "token"), "")
	want := `href="com.example.app:/oauth?error=unsupported_response_type&amp;error_description=` +
		`response_type&#43;must&#43;be&#43;code&amp;state=st%26te%3D1&amp;iss=https%3A%2F%2Fauth.example.com"`
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %s\nwant %s", w.Body, want)
	}
	files, err := filepath.Glob("*.go")
	must(t, err)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		must(t, err)
		for _, name := range []string{"template.URL(", "template.HTML(", "template.JS(", "template.CSS(",
			"template.HTMLAttr("} {
			found += strings.Count(string(source), name)
		}
	}
	if found != 1 {
		t.Errorf("got %d conversions into safe template types, want the one in clientLink", found)
	}
}

// Every answer has the headers, and none has form-action, which Chromium would apply to every
// redirect after the form, or an opener policy, which would lose a popup's client (CD-10,
// CON-06, CD-15, CD-16, H1, WB-04, TE-09).
func TestEveryAnswerHasThePageHeaders(t *testing.T) {
	t.Parallel()
	f := open(t, https, nil)
	p := f.show(t)
	answers := map[string]http.Header{
		"approve": f.post(t, p, "approve").Header(), "deny": f.post(t, p, "deny").Header(),
		"no cookie": f.post(t, shown{p.transaction, ""}, "deny").Header(),
	}
	for _, target := range []string{
		f.request(), f.request("client_id", "nobody"), f.request("redirect_uri", "https://x.example/"),
		f.request("scope", "\""),
		"/auth/callback", "/auth/callback/", "/auth/callback/x", "/nothing", "/authorize/", "/auth", // UP-15
	} {
		answers[target] = f.send(t, http.MethodGet, target, "").Header()
	}
	answers["DELETE"] = f.send(t, http.MethodDelete, "/authorize", "").Header()
	answers["OPTIONS"] = f.send(t, http.MethodOptions, "/authorize", "", "Origin", "https://x.example",
		"Access-Control-Request-Method", "GET").Header()
	for what, h := range answers {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"X-Content-Type-Options":     "nosniff",
			"Cross-Origin-Opener-Policy": "", "Access-Control-Allow-Origin": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: got %q, want %q", what, name, h.Get(name), want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, "form-action") || !strings.Contains(csp, "frame-ancestors 'none'") ||
			!strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: got policy %q", what, csp)
		}
	}
}
