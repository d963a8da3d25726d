package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// template is one path of the map with what is needed to match it.
type template struct {
	path    string
	pattern *regexp.Regexp   // with a slash after a wildcard
	exact   *regexp.Regexp   // without
	rank    []int            // per segment: 0 literal, 1 one segment, 2 the rest
	methods map[string]Route // by method
}

// Match finds the route of a request. The path is the escaped one, as it came
// ((*url.URL).EscapedPath), because the gateway never takes %2F for a slash.
//
// A literal path matches itself alone; {name} takes one segment that is not
// empty, {name=**} the rest, which may be empty; both also match with a slash
// after them. Literal segments win over {name}, {name} over {name=**}. Case
// counts.
//
// Without a route ok is false, and pathKnown tells the two refusals of the
// gateway apart: true is its 405, false its 404.
func (m *Map) Match(method, path string) (route Route, pathKnown, ok bool) {
	for _, t := range m.templates {
		if !t.pattern.MatchString(path) {
			continue
		}
		if r, found := t.methods[method]; found {
			return r, true, true
		}
		pathKnown = true
	}
	return Route{}, pathKnown, false
}

// Function returns the function that a load balancer straight before the functions sends a
// path to, whatever the method, or "". It is [Map.Match] without the slash that may follow a
// wildcard. The path is the escaped one.
func (m *Map) Function(path string) string {
	for _, t := range m.templates {
		if t.exact.MatchString(path) {
			return t.function()
		}
	}
	return ""
}

// function is the one that answers all methods of a path.
func (t *template) function() string {
	for _, route := range t.methods {
		return route.Function
	}
	return ""
}

// index builds the templates from the routes.
func (m *Map) index() error {
	byPath := map[string]map[string]Route{}
	for _, r := range m.routes {
		if byPath[r.Path] == nil {
			byPath[r.Path] = map[string]Route{}
		}
		for _, other := range byPath[r.Path] {
			if other.Function != r.Function {
				return fmt.Errorf("%s: %s goes to %s and %s to %s: a load balancer tells paths apart, not methods",
					r.Path, other.Method, other.Function, r.Method, r.Function)
			}
		}
		byPath[r.Path][r.Method] = r
	}
	for path, methods := range byPath {
		t, err := parseTemplate(path)
		if err != nil {
			return err
		}
		t.methods = methods
		m.templates = append(m.templates, t)
	}
	slices.SortFunc(m.templates, func(a, b template) int {
		if c := slices.Compare(a.rank, b.rank); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return nil
}

var (
	one     = regexp.MustCompile(`^\{[a-z_]+(=\*)?\}$`)
	rest    = regexp.MustCompile(`^\{[a-z_]+=\*\*\}$`)
	literal = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// parseTemplate reads one path. The gateway's grammar knows no trailing slash,
// gives ":" a meaning of its own and allows little after "**"; we use none of that.
func parseTemplate(path string) (template, error) {
	t := template{path: path}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if !strings.HasPrefix(path, "/") {
		return t, fmt.Errorf("%s: does not begin with a slash", path)
	}
	if path == "/" {
		t.rank, t.pattern = []int{0}, regexp.MustCompile("^/$")
		t.exact = t.pattern
		return t, nil
	}
	var pattern strings.Builder
	wild := false
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case literal.MatchString(s):
			t.rank = append(t.rank, 0)
			pattern.WriteString("/" + regexp.QuoteMeta(s))
		case one.MatchString(s):
			wild = true
			t.rank = append(t.rank, 1)
			pattern.WriteString("/[^/]+")
		case rest.MatchString(s) && last:
			wild = true
			t.rank = append(t.rank, 2)
			pattern.WriteString("/.*")
		default:
			return t, fmt.Errorf("%s: segment %q is neither a plain literal, {name}, nor a last {name=**}", path, s)
		}
	}
	t.exact = regexp.MustCompile("^" + pattern.String() + "$")
	if wild {
		pattern.WriteString("/?")
	}
	t.pattern = regexp.MustCompile("^" + pattern.String() + "$")
	return t, nil
}
