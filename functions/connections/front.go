package connections

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

//go:embed front.html
var frontHTML string

var frontPage = pages.New("front", frontHTML)

// frontData is what to connect to, and links that have a program do it.
type frontData struct {
	ServerHost            string
	URL, Name             string // of the first MCP server: its address, and a name that command lines take
	Cursor, VSCode, Goose template.URL
	VSCodeJSON            string
	Others                []server
}

// A server is an MCP server here.
type server struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// frontDoor is what a program reads.
type frontDoor struct {
	Name                string   `json:"name"`
	MCP                 []server `json:"mcp"`
	AuthorizationServer string   `json:"authorization_server"`
	Connections         string   `json:"connections"`
}

// front says what this is: how to connect to it, to a person; where everything is, to a program.
func (h *handler) front(w http.ResponseWriter, r *http.Request) error {
	issuer := edge.Issuer(r)
	var servers []server
	for _, resource := range h.Resources.All() {
		servers = append(servers, server{Title: resource.Title, URL: resource.ID(issuer.String())})
	}
	if h.Look.Name != "" {
		servers[0].Title = h.Look.Name
	}
	if !edge.WantsPage(r) {
		return edge.JSON(w, http.StatusOK, frontDoor{
			Name: servers[0].Title, MCP: servers, AuthorizationServer: issuer.String(),
			Connections: issuer.URL(oauth.ConnectionsPath),
		})
	}
	return frontPage.Write(w, r, http.StatusOK, newFront(issuer.Host(), h.Look.Name, servers))
}

func newFront(host, called string, servers []server) frontData {
	d := frontData{ServerHost: host, URL: servers[0].URL, Name: slug(called), Others: servers[1:]}
	asJSON := func(v any) string {
		b, _ := json.Marshal(v) // of strings
		return string(b)
	}
	type config struct {
		Name string `json:"name,omitempty"`
		Type string `json:"type,omitempty"`
		URL  string `json:"url"`
	}
	d.VSCodeJSON = asJSON(config{d.Name, "http", d.URL})
	d.VSCode = link("vscode:mcp/install?" + url.PathEscape(d.VSCodeJSON))
	d.Cursor = link("cursor://anysphere.cursor-deeplink/mcp/install?" + url.Values{
		"name": {d.Name}, "config": {base64.StdEncoding.EncodeToString([]byte(asJSON(config{URL: d.URL})))},
	}.Encode())
	d.Goose = link("goose://extension?" + url.Values{
		"type": {"streamable_http"}, "url": {d.URL}, "id": {d.Name}, "name": {d.Name},
	}.Encode())
	return d
}

// link is a link into a program, made of our own address and name, escaped.
func link(s string) template.URL { return template.URL(s) }

var notInSlugs = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^a-z0-9]+`) })

// slug is a name that every program takes for a server.
func slug(name string) string {
	s := strings.Trim(notInSlugs().ReplaceAllString(strings.ToLower(name), "-"), "-")
	if s == "" {
		return "postern"
	}
	return s
}

// health answers uptime checks: the process is there. It looks at nothing else, so that it costs nothing and a
// fault elsewhere restarts nothing here.
func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// aDay is how long what never changes in a release may be kept.
const aDay = 24 * time.Hour

// robots keeps pages that are for one person, or for nobody, out of search results.
var robots = edge.NewDocument([]byte("User-agent: *\nDisallow: /\n"), "text/plain; charset=utf-8", aDay)

//go:embed icon.png
var icon []byte

// icon is what a browser shows beside the address: the logo, or a door.
func (h *handler) icon() edge.Document {
	if logo := h.Look.Logo; logo.Data != nil {
		return edge.NewDocument(logo.Data, logo.Media, aDay)
	}
	return edge.NewDocument(icon, "image/png", aDay)
}

func serve(d edge.Document) http.Handler { return http.HandlerFunc(d.Serve) }
