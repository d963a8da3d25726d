package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
)

// A Mux routes by the exact path as it was sent: no cleaning, no redirects, no
// decoding, no trailing slashes. A path with two slashes, dots, escapes or
// another case is another path, and so not found. It answers OPTIONS, serves
// HEAD by the handler of GET, refuses other methods with Allow, and ignores
// headers that claim another method.
type Mux struct {
	exact    map[string]route
	prefixes map[string]prefixRoute // by the path up to its last slash
	fallback route                  // for a path that has no route; usually nil
}

// A route has a handler per method.
type route map[string]http.Handler

// anyMethod is the key of a handler that takes every method.
const anyMethod = "*"

type prefixRoute struct {
	route
	name string // of the last segment
}

// NewMux returns a Mux without routes.
func NewMux() *Mux {
	return &Mux{exact: map[string]route{}, prefixes: map[string]prefixRoute{}}
}

// Everything returns a Mux that gives h every request, whatever its path and method.
func Everything(h http.Handler) *Mux {
	m := NewMux()
	m.fallback = route{anyMethod: h}
	return m
}

// Handle routes a method and path to h. The last segment of the path may be a
// name in braces, as in "/register/{client_id}": it stands for one segment of
// unreserved characters (RFC 3986 §2.3), which h reads by [http.Request.PathValue].
// Handle panics if the route is taken.
func (m *Mux) Handle(method, path string, h http.Handler) {
	rt := m.routeFor(path)
	if _, taken := rt[method]; taken {
		panic("edge: route taken: " + method + " " + path)
	}
	rt[method] = h
}

func (m *Mux) routeFor(path string) route {
	i := strings.LastIndexByte(path, '/') + 1
	if !strings.HasPrefix(path[i:], "{") {
		if m.exact[path] == nil {
			m.exact[path] = route{}
		}
		return m.exact[path]
	}
	p, ok := m.prefixes[path[:i]]
	if !ok {
		p = prefixRoute{route: route{}, name: strings.Trim(path[i:], "{}")}
		m.prefixes[path[:i]] = p
	}
	return p.route
}

// ServeHTTP serves a request by its route.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, rt := m.find(r)
	if rt == nil {
		fail(w, r, httperr.Status(http.StatusNotFound,
			oauth.Refuse(oauth.InvalidRequest, "there is nothing at this path")))
		return
	}
	if h := rt.handler(r); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	methods := rt.methods()
	if r.Method == http.MethodOptions {
		preflight(w, r, methods)
		return
	}
	w.Header().Set("Allow", allow(methods))
	fail(w, r, httperr.Status(http.StatusMethodNotAllowed,
		oauth.Refuse(oauth.InvalidRequest, "this path answers "+allow(methods))))
}

// find returns the route of a request and its name, the path given to Handle.
func (m *Mux) find(r *http.Request) (name string, rt route) {
	path := rawPath(r)
	if rt, ok := m.exact[path]; ok {
		return path, rt
	}
	i := strings.LastIndexByte(path, '/') + 1
	p, ok := m.prefixes[path[:i]]
	if !ok || !unreserved(path[i:]) {
		return "", m.fallback
	}
	r.SetPathValue(p.name, path[i:])
	return path[:i] + "{" + p.name + "}", p.route
}

// handler returns what serves the method of a request, or nil.
func (rt route) handler(r *http.Request) http.Handler {
	if h, ok := rt[anyMethod]; ok {
		return h
	}
	if r.Method == http.MethodHead {
		return rt[http.MethodGet]
	}
	return rt[r.Method]
}

// rawPath returns the path as the request line has it: URL.Path is decoded, and
// EscapedPath is the path as it was sent only where Go would have escaped it differently.
func rawPath(r *http.Request) string {
	if raw, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(raw, "/") {
		return raw
	}
	return r.URL.EscapedPath() // absolute form, or a request made in a test
}

func (rt route) methods() []string {
	var ms []string
	for m := range rt {
		ms = append(ms, m)
	}
	slices.Sort(ms)
	return ms
}

// allow writes the Allow header of a path.
func allow(methods []string) string {
	ms := slices.Clone(methods)
	if slices.Contains(ms, http.MethodGet) {
		ms = append(ms, http.MethodHead)
	}
	ms = append(ms, http.MethodOptions)
	slices.Sort(ms)
	return strings.Join(slices.Compact(ms), ", ")
}

// unreserved reports whether s is one or more unreserved characters and no dot
// segment.
func unreserved(s string) bool {
	const set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	return s != "" && s != "." && s != ".." && strings.Trim(s, set) == ""
}
