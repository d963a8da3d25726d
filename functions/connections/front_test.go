package connections

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/test/kit/memory"
)

var href = regexp.MustCompile(`href="((?:cursor|vscode|goose):[^"]*)"`)

// The front door has a line or a link for every client, and each link carries the very address.
func TestFrontDoorConnectsEveryClient(t *testing.T) {
	t.Parallel()
	f := open(t, func(c *Config) { c.Look = pages.Look{Server: about.Server{Name: "Acme Tools & Söhne"}} })
	w := f.send(t, http.MethodGet, "/", "")
	got := html.UnescapeString(w.Body.String())
	const address = "https://auth.example.com/mcp"
	for _, want := range []string{
		"Claude", "ChatGPT", "claude mcp add --transport http acme-tools-s-hne " + address,
		`code --add-mcp '{"name":"acme-tools-s-hne","type":"http","url":"` + address + `"}'`,
		"codex mcp add acme-tools-s-hne --url " + address, "codex mcp login acme-tools-s-hne",
		"gemini mcp add --transport http acme-tools-s-hne " + address, "--server-url " + address,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	links := map[string]*url.URL{}
	for _, m := range href.FindAllStringSubmatch(w.Body.String(), -1) {
		u, err := url.Parse(html.UnescapeString(m[1]))
		must(t, err)
		links[u.Scheme] = u
	}
	if len(links) != 3 || len(w.Body.String()) > 20<<10 {
		t.Fatalf("got links %v on a page of %d bytes", links, w.Body.Len())
	}
	config, err := base64.StdEncoding.DecodeString(links["cursor"].Query().Get("config"))
	if want := `{"url":"` + address + `"}`; err != nil || string(config) != want {
		t.Errorf("Cursor: got %s, %v; want %s", config, err, want)
	}
	asked, err := url.PathUnescape(links["vscode"].RawQuery)
	if want := `{"name":"acme-tools-s-hne","type":"http","url":"` + address + `"}`; err != nil || asked != want {
		t.Errorf("VS Code: got %s, %v; want %s", asked, err, want)
	}
	if q := links["goose"].Query(); q.Get("url") != address || q.Get("type") != "streamable_http" {
		t.Errorf("Goose: got %v", q)
	}
}

// A program reads where everything is; whoever asks for nothing in particular is one.
func TestFrontDoorIsJSONForPrograms(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, accept := range []string{"*/*", "application/json", ""} {
		w := f.send(t, http.MethodGet, "/", "", "Accept", accept)
		var got struct {
			MCP []struct{ URL string } `json:"mcp"`
			AS  string                 `json:"authorization_server"`
		}
		err := json.Unmarshal(w.Body.Bytes(), &got)
		const issuer = "https://auth.example.com"
		if err != nil || len(got.MCP) != 1 || got.MCP[0].URL != issuer+"/mcp" || got.AS != issuer {
			t.Errorf("Accept %q: got %s, %v", accept, w.Body, err)
		}
	}
}

// What uptime checks, crawlers and browsers ask for by themselves reads nothing and can be kept.
func TestWhatIsAskedForAllTheTimeCostsNothing(t *testing.T) {
	t.Parallel()
	f := open(t)
	for path, want := range map[string]string{
		"/health": "text/plain; charset=utf-8", "/robots.txt": "text/plain; charset=utf-8", "/favicon.ico": "image/png",
	} {
		w := f.send(t, http.MethodGet, path, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want || w.Body.Len() == 0 {
			t.Errorf("%s: got %d %s, %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if kept := strings.Contains(w.Header().Get("Cache-Control"), "max-age=86400"); kept != (path != "/health") {
			t.Errorf("%s: got Cache-Control %q", path, w.Header().Get("Cache-Control"))
		}
	}
	f.send(t, http.MethodGet, "/", "")
	f.send(t, http.MethodGet, "/connections", "")
	f.WantCost(t, "what everybody may ask for", memory.Cost{})
}

// A person who comes to nothing reads a page; a program reads JSON. Nothing of a path is shown.
func TestUnknownPathsAreAPageForBrowsers(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, path := range []string{"/wp-login.php", "/connections/", "/a%2Fb", "//", "/<script>"} {
		r := strings.ReplaceAll(path, "<", "%3C")
		w := f.send(t, http.MethodGet, r, "")
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "There is nothing here") ||
			strings.Contains(w.Body.String(), "wp-login") {
			t.Errorf("%s: got %d\n%s", path, w.Code, w.Body)
		}
		w = f.send(t, http.MethodGet, r, "", "Accept", "*/*")
		if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"error":`) {
			t.Errorf("%s: a program got %d %s", path, w.Code, w.Body)
		}
	}
}
