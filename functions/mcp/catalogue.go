package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/yosida95/uritemplate/v3"

	"github.com/postern-dev/postern/shared/oauth"
)

// A catalogue is an author's server, with what the SDK made of each part. It makes an SDK
// server for each set of parts that somebody may see: what is not in it can be neither
// listed nor used, by whatever way the SDK resolves a name.
type catalogue struct {
	about Server
	deps  Deps
	parts []entry

	mu    sync.Mutex
	views map[string]*view // by the parts that are seen
}

// An entry is a part and what clients use it by.
type entry struct {
	Part
	names  []name
	params map[string][]paramHeader // of its tools, by their names
}

// A name is one tool, prompt, resource or template.
type name struct {
	kind kind
	name string // a URI, or the template of one
}

func (n name) String() string { return fmt.Sprintf("the %s %q", n.kind, n.name) }

// A view is the parts that a caller may see.
type view struct {
	server    *sdk.Server
	seen      string            // which parts they are
	scopes    map[name][]string // what each asks for beyond mcp
	templates []seenTemplate
	guarded   bool // some part asks for a scope
	params    map[string][]paramHeader

	completers   map[name]func(context.Context, Caller, Completion) ([]string, error)
	completeElse func(context.Context, *sdk.CompleteRequest) (*sdk.CompleteResult, error) // the author's own
	watches      map[name]watch
}

// A watch is what [Part.Watched] was given.
type watch = func(ctx context.Context, c Caller, uri string, changed func()) error

type seenTemplate struct {
	*uritemplate.Template
	scopes []string
	watch  watch
}

// maxViews bounds the servers that are kept. Parts that differ for every person make more.
const maxViews = 64

// describe asks the author for the server. Its errors stop the start.
func describe(author func(Deps) Server, d Deps) (about Server, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mcp: the description of the server panicked: %v", p)
		}
	}()
	about = author(d)
	if about.Name == "" {
		return about, errors.New("mcp: Server.Name is not set")
	}
	if about.Options.SubscribeHandler != nil || about.Options.UnsubscribeHandler != nil {
		return about, errors.New("mcp: Server.Options has a SubscribeHandler: use Watched at the part")
	}
	seen := map[name]bool{}
	for _, p := range about.Parts {
		if p.add == nil {
			return about, errors.New("mcp: a part was not made by NewTool, NewPrompt, NewResource, NewTemplate or Raw")
		}
		if err := p.checkUse(); err != nil {
			return about, fmt.Errorf("mcp: %s: %w", p, err)
		}
		if p.kind == raw { // known by its names when it is made
			continue
		}
		n := name{p.kind, p.name}
		if seen[n] {
			return about, fmt.Errorf("mcp: there are two of %s", n)
		}
		seen[n] = true
	}
	return about, nil
}

// newCatalogue makes every part once. Parts that cannot be made, that take the name of an
// earlier one, or that ask for a scope that is not known are not in it, and the error says
// why.
func newCatalogue(about Server, d Deps, known *oauth.ScopeSet) (*catalogue, error) {
	c := &catalogue{about: about, deps: d, views: map[string]*view{}}
	var problems []error
	seen := map[name]bool{}
	for _, p := range about.Parts {
		e, err := c.make(p)
		if err == nil && known != nil && !oauth.Scopes(p.scopes).Within(known.Known()) {
			err = fmt.Errorf("it needs %s, which SCOPES must have: it has %s", oauth.Scopes(p.scopes), known.Known())
		}
		for _, n := range e.names {
			if err == nil && seen[n] {
				err = fmt.Errorf("there are two of %s", n)
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("mcp: %s: %w", p, err))
			continue
		}
		for _, n := range e.names {
			seen[n] = true
		}
		c.parts = append(c.parts, e)
	}
	return c, errors.Join(problems...)
}

// make adds a part to a server of its own and asks that server what it has.
func (c *catalogue) make(p Part) (entry, error) {
	e, s := entry{Part: p}, c.newServer(&view{})
	err := c.addTo(s, p)
	switch {
	case err != nil:
	case p.kind == raw:
		e.names, e.params, err = namesOf(s)
	default:
		e.names, e.params = []name{{p.kind, p.name}}, map[string][]paramHeader{p.name: paramHeaders(p.input)}
	}
	return e, err
}

// addTo adds a part to a server, which panics at what it does not take.
func (c *catalogue) addTo(s *sdk.Server, p Part) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	p.add(s, c.deps)
	return nil
}

// namesOf asks a server what it has, as a client does, and which headers repeat arguments of
// its tools.
func namesOf(s *sdk.Server) ([]name, map[string][]paramHeader, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	near, far := sdk.NewInMemoryTransports()
	if _, err := s.Connect(ctx, far, nil); err != nil {
		return nil, nil, err
	}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "catalogue"}, nil).Connect(ctx, near, nil)
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	var names []name
	params := map[string][]paramHeader{}
	for t, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name{tool, t.Name})
		params[t.Name] = paramHeaders(t.InputSchema)
	}
	for p, err := range session.Prompts(ctx, nil) {
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name{prompt, p.Name})
	}
	for r, err := range session.Resources(ctx, nil) {
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name{resource, r.URI})
	}
	for t, err := range session.ResourceTemplates(ctx, nil) {
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name{template, t.URITemplate})
	}
	return names, params, nil
}

// newServer returns an SDK server for a view, without parts.
func (c *catalogue) newServer(v *view) *sdk.Server {
	o := c.about.Options
	if c.about.Instructions != "" {
		o.Instructions = c.about.Instructions
	}
	if o.Capabilities == nil {
		// Said outright, so that the SDK does not promise notices of changed lists,
		// for which clients would keep streams open. Prompts and resources are
		// listed, empty, since some clients ask for the lists in any case.
		lists := c.about.ListsChange
		o.Capabilities = &sdk.ServerCapabilities{
			Tools: &sdk.ToolCapabilities{ListChanged: lists}, Prompts: &sdk.PromptCapabilities{ListChanged: lists},
			Resources: &sdk.ResourceCapabilities{ListChanged: lists, Subscribe: len(v.watches) > 0},
			Logging:   &sdk.LoggingCapabilities{},
		}
	}
	if len(v.completers) > 0 {
		v.completeElse, o.CompletionHandler = o.CompletionHandler, v.complete
	}
	if len(v.watches) > 0 {
		o.SubscribeHandler = v.subscribed
		o.UnsubscribeHandler = func(context.Context, *sdk.UnsubscribeRequest) error { return nil }
	}
	o.KeepAlive = 0 // nobody would answer its pings (MOD-14)
	if o.SetCacheable == nil {
		o.SetCacheable = private
	}
	return sdk.NewServer(&sdk.Implementation{
		Name: c.about.Name, Title: c.about.Title, Version: c.about.Version,
		WebsiteURL: c.about.Website, Icons: c.about.Icons,
	}, &o)
}

// private keeps answers out of shared caches: what is listed may depend on the token
// (CCH-02, MP-09). The SDK's default is public.
func private(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.CacheScope = "private" }

// of returns what a caller may see.
func (c *catalogue) of(caller *Caller) *view {
	var few [64]byte
	seen := few[:min(len(c.parts), len(few))]
	if len(c.parts) > len(few) {
		seen = make([]byte, len(c.parts))
	}
	for i, p := range c.parts {
		if p.may == nil || p.may(*caller) {
			seen[i] = 1
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.views[string(seen)]
	if !ok {
		if len(c.views) >= maxViews {
			clear(c.views)
		}
		v = c.newView(seen)
		c.views[string(seen)] = v
	}
	return v
}

func (c *catalogue) newView(seen []byte) *view {
	v := &view{
		seen: string(seen), scopes: map[name][]string{}, watches: map[name]watch{},
		completers: map[name]func(context.Context, Caller, Completion) ([]string, error){},
		params:     map[string][]paramHeader{},
	}
	for i, p := range c.parts {
		if seen[i] == 1 {
			v.know(p)
		}
	}
	v.server = c.newServer(v)
	for i, p := range c.parts {
		if seen[i] == 1 {
			logProblems(c.deps.Log, c.addTo(v.server, p.Part))
		}
	}
	// Last, and so before what the author added: nothing of theirs runs outside of it.
	v.server.AddReceivingMiddleware(
		recovered(c.deps.Log), masked(c.deps.Log), v.scoped, objects, promised, listened, encodable)
	return v
}

// know notes what is said of a part beside what the SDK is told.
func (v *view) know(p entry) {
	v.guarded = v.guarded || len(p.scopes) > 0
	maps.Copy(v.params, p.params)
	for _, n := range p.names {
		v.scopes[n] = p.scopes
		if p.complete != nil {
			v.completers[n] = p.complete
		}
		if p.watch != nil {
			v.watches[n] = p.watch
		}
		if n.kind != template {
			continue
		}
		if t, err := uritemplate.New(n.name); err == nil { // the SDK took it
			v.templates = append(v.templates, seenTemplate{t, p.scopes, p.watch})
		}
	}
}

// watchOf returns what watches a resource, nil if nothing does, and the scopes of that.
func (v *view) watchOf(uri string) (watch, []string) {
	if scopes, found := v.scopes[name{resource, uri}]; found {
		return v.watches[name{resource, uri}], scopes
	}
	for _, t := range v.templates {
		if t.watch != nil && t.Regexp().MatchString(uri) {
			return t.watch, v.needsOf(uri)
		}
	}
	return nil, nil
}

// needs returns what a method asks for beyond mcp; nothing for a part that does not exist.
func (v *view) needs(method, named, uri string) []string {
	switch method {
	case "tools/call":
		return v.scopes[name{tool, named}]
	case "prompts/get":
		return v.scopes[name{prompt, named}]
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		return v.needsOf(uri)
	}
	return nil
}

// needsOf finds a resource as the SDK does: by its address, else by a template. Which of
// several templates the SDK takes is its own business, so the caller needs what all ask for.
func (v *view) needsOf(uri string) []string {
	if scopes, found := v.scopes[name{resource, uri}]; found {
		return scopes
	}
	var all []string
	for _, t := range v.templates {
		if t.Regexp().MatchString(uri) {
			all = append(all, t.scopes...)
		}
	}
	return all
}

// logProblems says which parts are left out.
func logProblems(log *slog.Logger, err error) {
	if err != nil {
		log.Error("parts of the server are left out", "error", err)
	}
}
