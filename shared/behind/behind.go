// Package behind reads which MCP servers stand behind this one, each at a path of its own
// and so a resource of its own.
//
// Nothing here does I/O; what is wrong with a setting is noted in the reader, so that every
// problem is reported at once.
package behind

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/strict"
)

// The settings that name the servers, and say how the one of MCP_UPSTREAM_URL is called.
const (
	setting = "MCP_UPSTREAMS"
	options = "MCP_UPSTREAM_OPTIONS"
)

// maxServers bounds the list.
const maxServers = 64

// A Server is an MCP server behind this one.
type Server struct {
	oauth.Resource          // at /mcp, or at /mcp/NAME
	URL            *url.URL // where it is, https or of this machine
	Calling
}

// An entry is the JSON form of a [Server].
type entry struct {
	Name   string          `json:"name"`
	URL    string          `json:"url"`
	Title  string          `json:"title"`
	Scopes json.RawMessage `json:"scopes"` // as in the setting SCOPES
	calling
}

// Servers returns the servers of MCP_UPSTREAMS. What is wrong with an entry is a problem
// that names it.
func Servers(r *config.Reader) []Server {
	text := r.String(setting)
	if text == "" {
		return nil
	}
	var list []json.RawMessage
	if err := strict.DecodeJSON([]byte(text), &list); err != nil || len(list) == 0 || len(list) > maxServers {
		r.Refuse(setting, "is not a JSON array of 1 to %d objects, like %s", maxServers,
			`[{"name":"wiki","url":"https://wiki.example.com/mcp"}]`)
		return nil
	}
	var servers []Server
	taken := map[string]bool{}
	for i, data := range list {
		s, name, problems := read(data)
		if taken[name] {
			problems = append(problems, errors.New("the name is taken by an earlier entry"))
		}
		taken[name] = name != ""
		for _, p := range problems {
			r.Refuse(setting, "has an entry that cannot be used, number %d (%q): %s", i+1, name, p)
		}
		servers = append(servers, s)
	}
	return servers
}

// First returns how the server of MCP_UPSTREAM_URL is called: as MCP_UPSTREAM_OPTIONS says.
func First(r *config.Reader) Calling {
	text := r.String(options)
	if text == "" {
		return Calling{Identity: JWT}
	}
	var c calling
	if err := strict.DecodeJSON([]byte(text), &c); err != nil {
		r.Refuse(options, "cannot be used: %s: it has %s", err, callingMembers)
		return Calling{}
	}
	out, problems := c.read(Resources(r).All()[0].Scopes)
	for _, p := range problems {
		r.Refuse(options, "cannot be used: %s", p)
	}
	return out
}

// Groups returns the rules that servers behind this one ask about, each once.
func Groups(r *config.Reader) []string {
	var all []string
	callings := []Calling{First(r)}
	for _, s := range Servers(r) {
		callings = append(callings, s.Calling)
	}
	for _, c := range callings {
		for _, rule := range c.Asks() {
			if !slices.Contains(all, rule) {
				all = append(all, rule)
			}
		}
	}
	return all
}

// HandedOn returns the paths of the servers that are handed people's tokens at the identity
// provider.
func HandedOn(r *config.Reader) []string {
	var paths []string
	if First(r).ProviderToken != "" {
		paths = append(paths, oauth.MCPPath)
	}
	for _, s := range Servers(r) {
		if s.ProviderToken != "" {
			paths = append(paths, s.Path)
		}
	}
	return paths
}

// Resources returns every resource of the server: /mcp with the scopes of SCOPES, and those
// of MCP_UPSTREAMS.
func Resources(r *config.Reader) oauth.Resources {
	scopes := config.Parse(r, "SCOPES", oauth.ParseScopeSet)
	var others []oauth.Resource
	for _, s := range Servers(r) {
		others = append(others, s.Resource)
	}
	return oauth.NewResources(scopes, others...)
}

// members are those of an entry, for who wrote another.
const members = "name, url, title, scopes, " + callingMembers

// names are those of paths: lower-case letters, digits and hyphens.
var names = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`) })

// read returns the server of an entry, its name as far as it could be read, and all that is
// wrong with it. Of a URL nothing is repeated: there may be a secret in it.
func read(data []byte) (s Server, name string, problems []error) {
	var e entry
	if err := strict.DecodeJSON(data, &e); err != nil {
		_ = json.Unmarshal(data, &e) // for its name alone
		return Server{}, e.Name, []error{fmt.Errorf("%w: it has %s", err, members)}
	}
	if !names().MatchString(e.Name) {
		problems = append(problems, errors.New(
			"name must be 1 to 32 lower-case letters, digits and hyphens, like wiki"))
	}
	u, err := origin.ParseBase(e.URL)
	if err != nil {
		problems = append(problems, fmt.Errorf(
			"url %w: want an https URL without trailing slash (plain http on loopback only)", err))
	}
	s.URL, s.Path, s.Title = u, oauth.MCPPath+"/"+e.Name, e.Title
	if s.Title == "" {
		s.Title = e.Name
	}
	if !shown(s.Title) {
		problems = append(problems, errors.New("title must be up to 80 characters in one line"))
	}
	if len(e.Scopes) > 0 {
		if s.Scopes, err = oauth.ParseScopeSet(string(e.Scopes)); err != nil {
			problems = append(problems, fmt.Errorf("scopes: %w", err))
		}
	}
	calling, more := e.read(s.Scopes)
	s.Calling = calling
	return s, e.Name, append(problems, more...)
}

// shown reports whether a text can stand on a page.
func shown(s string) bool {
	unshown := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= 80 && !strings.ContainsFunc(s, unshown)
}
