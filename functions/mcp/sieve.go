package mcp

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
)

// A sieve says what of a server behind may be used by whom. What is kept from a caller is not
// there for them, in lists as in whatever names it; what asks for a scope is there, and its
// use asks for that scope. The zero sieve lets everything through.
type sieve struct {
	on                        bool
	tools, prompts, resources mesh
}

// A mesh is the sieve for names of one kind.
type mesh struct {
	allow, deny []*regexp.Regexp
	need        []need
}

// open reports whether a mesh keeps nothing from anybody.
func (m mesh) open() bool { return len(m.allow)+len(m.deny)+len(m.need) == 0 }

type need struct {
	match        []*regexp.Regexp
	scope, group string
}

func newSieve(c behind.Calling) sieve {
	return sieve{
		on: c.Filters(), tools: newMesh(c.Tools), prompts: newMesh(c.Prompts), resources: newMesh(c.Resources),
	}
}

func newMesh(f behind.Filter) mesh {
	m := mesh{allow: patterns(f.Allow), deny: patterns(f.Deny)}
	for _, n := range f.Need {
		m.need = append(m.need, need{patterns(n.Match), n.Scope, n.Group})
	}
	return m
}

// patterns returns expressions for texts in which * stands for any text.
func patterns(texts []string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, text := range texts {
		quoted := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, `.*`)
		out = append(out, regexp.MustCompile(`(?s)^`+quoted+`$`))
	}
	return out
}

func matches(any []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(any, func(p *regexp.Regexp) bool { return p.MatchString(name) })
}

// A sight is a sieve as one caller has it.
type sight struct {
	sieve
	caller *Caller
}

func (s sieve) of(c *Caller) sight { return sight{s, c} }

// sees reports whether a name of that kind is there for the caller. Of a name that could be
// read in two ways, which an address can, both have to be.
func (s sight) sees(m mesh, spellings ...string) bool {
	for _, name := range spellings {
		if len(m.allow) > 0 && !matches(m.allow, name) || matches(m.deny, name) {
			return false
		}
		for _, n := range m.need {
			if n.group != "" && matches(n.match, name) && !s.caller.Person.Groups[n.group] {
				return false
			}
		}
	}
	return true
}

// scopes returns those that the use of a name asks for.
func (s sight) scopes(m mesh, spellings ...string) []string {
	var all []string
	for _, n := range m.need {
		if n.scope != "" && slices.ContainsFunc(spellings, func(name string) bool { return matches(n.match, name) }) {
			all = append(all, n.scope)
		}
	}
	return all
}

// A mention is a name in a call.
type mention struct {
	mesh  mesh
	names []string // in every spelling; none if what stands there is no name
}

func (s sieve) tool(name *string) mention     { return mention{s.tools, spelled(name)} }
func (s sieve) prompt(name *string) mention   { return mention{s.prompts, spelled(name)} }
func (s sieve) template(text *string) mention { return mention{s.resources, spelled(text)} }

func (s sieve) resource(uri *string) mention {
	if s.resources.open() {
		return mention{s.resources, spelled(uri)}
	}
	return mention{s.resources, addresses(uri)}
}

func spelled(name *string) []string {
	if name == nil {
		return nil
	}
	return []string{*name}
}

// params is what names something in a call.
type params struct {
	Name *string `json:"name"`
	URI  *string `json:"uri"`
	Ref  struct {
		Type string  `json:"type"`
		Name *string `json:"name"`
		URI  *string `json:"uri"`
	} `json:"ref"`
	Notifications struct {
		Resources []*string `json:"resourceSubscriptions"`
	} `json:"notifications"`
}

// mentions returns what a call names. ok is false if it cannot be read.
func (s sieve) mentions(c call) (all []mention, ok bool) {
	var message struct {
		Params params `json:"params"`
	}
	method := unquote(c.method)
	if !strings.Contains(method, "/") || json.Unmarshal(c.text, &message) != nil {
		return nil, !named(method)
	}
	p := message.Params
	switch method {
	case "tools/call":
		return []mention{s.tool(p.Name)}, true
	case "prompts/get":
		return []mention{s.prompt(p.Name)}, true
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		return []mention{s.resource(p.URI)}, true
	case "completion/complete":
		if p.Ref.Type == "ref/prompt" {
			return []mention{s.prompt(p.Ref.Name)}, true
		}
		return []mention{s.template(p.Ref.URI)}, true
	case listen:
		for _, uri := range p.Notifications.Resources {
			all = append(all, s.resource(uri))
		}
	}
	return all, true
}

// named reports whether a method names something.
func named(method string) bool {
	return slices.Contains([]string{
		"tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe",
		"completion/complete", listen,
	}, method)
}

// checkScopes refuses a message that names what asks for more than the token has, with all
// that it needs (CHL-06, CHL-07).
func (s sight) checkScopes(msg message) error {
	if !s.on {
		return nil
	}
	needed := []string{oauth.ScopeMCP}
	for _, c := range msg.all {
		all, _ := s.mentions(c)
		for _, m := range all {
			if s.sees(m.mesh, m.names...) { // of what is not there nothing is told
				needed = append(needed, s.scopes(m.mesh, m.names...)...)
			}
		}
	}
	if oauth.Scopes(needed).Within(s.caller.Scopes) {
		return nil
	}
	slices.Sort(needed[1:])
	return edge.NeedScope(slices.Compact(needed)...)
}

// check refuses a message that names what is not there for the caller, in the words for what
// is nowhere, and one whose headers name something else than its body: nobody knows which of
// the two the server reads.
func (s sight) check(h http.Header, msg message) *problem {
	if !s.on {
		return nil
	}
	for _, c := range msg.all {
		all, ok := s.mentions(c)
		for _, m := range all {
			ok = ok && len(m.names) > 0 && s.sees(m.mesh, m.names...)
		}
		if !ok {
			return nothingThere(msg)
		}
		if p := sameNames(h, c); p != nil {
			return p.of(msg)
		}
	}
	return nil
}

// nothingThere answers one request as JSON-RPC answers, and whatever else was sent by status.
func nothingThere(msg message) *problem {
	p := &problem{
		status: http.StatusBadRequest, code: jsonrpc.CodeInvalidParams,
		message: "there is no such tool, prompt or resource",
	}
	if msg.sent == 1 && len(msg.calls) == 1 {
		p.status = http.StatusOK
	}
	return p.of(msg)
}

// sameNames compares the headers that mirror a call with the call, as far as they are there
// (MP-10).
func sameNames(h http.Header, c call) *problem {
	name := unquote(c.name)
	if c.name == nil {
		name = unquote(c.uri)
	}
	for header, want := range map[string]string{"Mcp-Method": unquote(c.method), "Mcp-Name": name} {
		switch values := h[header]; {
		case len(values) > 1:
			return mismatch("the header %s is repeated", header)
		case len(values) == 1:
			if p := agree(h, header, want); p != nil {
				return p
			}
		}
	}
	return nil
}
