package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
)

func loaded(t *testing.T) *Map {
	t.Helper()
	m, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEveryProbedURLReachesItsFunction walks the paths of the design and every
// URL clients were seen to ask for (E1 to E3, W4), preflights included (N4).
func TestEveryProbedURLReachesItsFunction(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for _, c := range []struct{ methods, path, function string }{
		{"POST GET OPTIONS", "/register", "register"},
		{"GET HEAD PUT DELETE OPTIONS", "/register/abc-DEF_123", "register"},
		{"GET POST HEAD OPTIONS", "/authorize", "authorize"},
		{"GET POST HEAD OPTIONS", "/auth/callback", "authorize"},
		{"GET HEAD POST OPTIONS", "/connections/sign-in", "authorize"},
		{"GET POST HEAD OPTIONS", "/connections", "connections"},
		{"GET HEAD OPTIONS", "/", "connections"},
		{"GET HEAD OPTIONS", "/health", "connections"},
		{"GET HEAD OPTIONS", "/favicon.ico", "connections"},
		{"GET HEAD OPTIONS", "/robots.txt", "connections"},
		{"GET HEAD OPTIONS", "/no/such/path", "connections"},
		{"POST GET OPTIONS", "/token", "token"},
		{"POST GET OPTIONS", "/revoke", "token"},
		{"POST GET OPTIONS", "/introspect", "token"},
		{"GET HEAD OPTIONS", "/.well-known/oauth-protected-resource/mcp", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/oauth-protected-resource", "wellknown"},
		{"GET HEAD OPTIONS", "/mcp/.well-known/oauth-protected-resource", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/oauth-authorization-server", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/oauth-authorization-server/mcp", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/openid-configuration", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/openid-configuration/mcp", "wellknown"},
		{"GET HEAD OPTIONS", "/mcp/.well-known/openid-configuration", "wellknown"},
		{"GET HEAD OPTIONS", "/mcp/.well-known/oauth-authorization-server", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/jwks.json", "wellknown"},
		{"GET HEAD OPTIONS", "/jwks", "wellknown"},
		{"GET HEAD OPTIONS", "/.well-known/identity-jwks.json", "mcp"},
		{"GET HEAD OPTIONS", "/.well-known/a/b/c", "wellknown"},
		{"GET HEAD POST PUT PATCH DELETE OPTIONS", "/mcp", "mcp"},
		{"GET HEAD POST PUT PATCH DELETE OPTIONS", "/mcp/", "mcp"},
		{"GET HEAD POST PUT PATCH DELETE OPTIONS", "/mcp/wiki", "mcp"},
		{"GET HEAD POST PUT PATCH DELETE OPTIONS", "/mcp/wiki/", "mcp"},
		{"GET HEAD OPTIONS", "/.well-known/oauth-protected-resource/mcp/wiki", "wellknown"},
		{"GET HEAD OPTIONS", "/mcp/wiki/.well-known/oauth-protected-resource", "wellknown"},
	} {
		for method := range strings.FieldsSeq(c.methods) {
			route, known, ok := m.Match(method, c.path)
			if !ok || !known || route.Function != c.function || route.Method != method {
				t.Errorf("%s %s: got %+v, known %v, ok %v; want function %s",
					method, c.path, route, known, ok, c.function)
			}
		}
	}
}

// TestWhatIsNotListedIsRefused: the gateway's own 404 and 405 (google-cloud 1.2).
func TestWhatIsNotListedIsRefused(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for _, c := range []struct {
		method, path string
		known        bool
	}{
		{"POST", "/", true},
		{"POST", "/Token", true},
		{"POST", "/token/", true},
		{"POST", "/token/x", true},
		{"POST", "//token", true},
		{"GET", "", false},
		{"DELETE", "/token", true},
		{"POST", "/.well-known/jwks.json", true},
		{"TRACE", "/mcp", true},
		{"get", "/authorize", true},
	} {
		route, known, ok := m.Match(c.method, c.path)
		if ok || known != c.known {
			t.Errorf("%s %s: got %+v, known %v, ok %v; want known %v and no route",
				c.method, c.path, route, known, ok, c.known)
		}
	}
}

// TestWhatIsLikeAnotherPathIsElsewhere: what a careless matcher would take for a path of ours reads as
// what it is, nothing.
func TestWhatIsLikeAnotherPathIsElsewhere(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for _, path := range []string{
		"/%2Fjwks", "/auth%2Fcallback", "/register/a/b", "/register/", "/token/", "//token", "/Authorize",
		"/xwell-known/oauth-protected-resource", "/.well-known",
	} {
		if route, _, ok := m.Match("GET", path); !ok || route.OperationID != "elseGet" {
			t.Errorf("GET %s: got %+v, ok %v; want the route for everything else", path, route, ok)
		}
	}
}

// Straight behind a load balancer a path decides alone, and each method of it reaches the function
// that it reaches through the gateway, or would be refused by.
func TestALoadBalancerSendsAPathWhereTheGatewayDoes(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for _, r := range m.Routes() {
		path := strings.NewReplacer("{rest=**}", "a/b", "{client_id}", "c_1", "{name}", "wiki").Replace(r.Path)
		if got := m.Function(path); got != r.Function {
			t.Errorf("%s: got %s, want %s", path, got, r.Function)
		}
	}
	for path, want := range map[string]string{
		"/mcp/": "mcp", "/mcp/wiki/": "mcp", "/mcp/wiki/.well-known/x": "wellknown", "/register/a%2Fb": "register",
		"//token": "connections", "/token/": "connections", "/%74oken": "connections", "/Token": "connections",
		"/register/a/": "connections", "/.well-known": "connections", "/.well-known/": "wellknown", "": "",
	} {
		if got := m.Function(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestTheMoreSpecificPathWins(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for path, want := range map[string]string{
		"/.well-known/oauth-authorization-server":     "serverMetadataGet",
		"/.well-known/oauth-authorization-server/":    "serverMetadataPathGet",
		"/.well-known/oauth-authorization-server/mcp": "serverMetadataPathGet",
		"/.well-known/security.txt":                   "wellKnownGet",
		"/mcp":                                        "mcpGet",
		"/mcp/":                                       "mcpPathGet",
		"/mcp/.well-known/x":                          "mcpWellKnownGet",
		"/register/a%2Fb":                             "clientGet",
		"/register/a/":                                "clientGet",
	} {
		if route, _, _ := m.Match("GET", path); route.OperationID != want {
			t.Errorf("GET %s: got operation %q, want %q", path, route.OperationID, want)
		}
	}
}

// TestEveryFunctionHasARouteAndOneDeadline: a function has one timeout, so two
// deadlines for it would be a slip.
func TestEveryFunctionHasARouteAndOneDeadline(t *testing.T) {
	t.Parallel()
	deadlines := map[string]time.Duration{}
	for _, r := range loaded(t).Routes() {
		if before, ok := deadlines[r.Function]; ok && before != r.Deadline {
			t.Errorf("%s %s: deadline %v, other routes of %s have %v", r.Method, r.Path, r.Deadline, r.Function, before)
		}
		deadlines[r.Function] = r.Deadline
	}
	for _, f := range manifest.Names(manifest.HTTP) {
		if deadlines[f] == 0 {
			t.Errorf("function %s has no route", f)
		}
	}
	if got, least := deadlines["mcp"], 15*time.Second; got <= least {
		t.Errorf("mcp: deadline %v, want more than the gateway's default of %v (N3)", got, least)
	}
	if got, want := len(deadlines), len(manifest.Names(manifest.HTTP)); got != want {
		t.Errorf("got routes to %d functions, want %d", got, want)
	}
}

// TestHeadGoesWithGet: HTTP wants HEAD wherever GET is answered.
func TestHeadGoesWithGet(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	for _, r := range m.Routes() {
		head := slices.ContainsFunc(m.Routes(), func(o Route) bool { return o.Path == r.Path && o.Method == "HEAD" })
		if r.Method == "GET" && !head {
			t.Errorf("%s has GET and no HEAD", r.Path)
		}
	}
}

// sound is a path map without a fault; the next test breaks it in one place each.
const sound = `swagger: "2.0"
paths:
  /token:
    post:
      operationId: tokenPost
      x-google-backend: {address: "${token}", path_translation: APPEND_PATH_TO_ADDRESS, deadline: 40.0}
    options:
      operationId: tokenOptions
      x-google-backend: {address: "${token}", path_translation: APPEND_PATH_TO_ADDRESS, deadline: 40.0}
`

func TestParseRefusesAFaultyMap(t *testing.T) {
	t.Parallel()
	if _, err := Parse([]byte(sound)); err != nil {
		t.Fatalf("sound map: %v", err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"tokenOptions", "tokenPost", `operationId "tokenPost" is also that of`},
		{"operationId: tokenPost", "summary: x", "no operationId"},
		{"    options:", "    get:", "/token has no options"},
		{"path_translation: APPEND_PATH_TO_ADDRESS, ", "", `path_translation is ""`},
		{"APPEND_PATH_TO_ADDRESS", "CONSTANT_ADDRESS", `path_translation is "CONSTANT_ADDRESS"`},
		{", deadline: 40.0", "", "deadline is 0 seconds"},
		{"deadline: 40.0", "deadline: 3601", "deadline is 3601 seconds"},
		{"deadline: 40.0", "deadline: soon", "read YAML"},
		{"${token}", "${cascade}", `address is "${cascade}"`},
		{"${token}", "${register}", "/token: OPTIONS goes to token and POST to register"},
		{"${token}", "https://token.example.com", `address is "https://token.example.com"`},
		{"x-google-backend:", "x-other:", "no x-google-backend"},
		{"/token:", "/token/:", `segment ""`},
		{"/token:", "token:", "does not begin with a slash"},
		{"/token:", "/token{x=**}/y:", "is neither"},
		{"/token:", "/{x=**}/y:", "is neither"},
		{`"2.0"`, `"3.0"`, `swagger is "3.0"`},
		{"paths:", "basePath: /v1\npaths:", "basePath is set"},
		{"paths:", "other:", "no paths"},
	} {
		broken := strings.Replace(sound, c.old, c.new, 1)
		if _, err := Parse([]byte(broken)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q: got error %v, want one with %q", c.new, c.old, err, c.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	m, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range m.Routes() {
		f.Add(r.Method, r.Path)
	}
	f.Add("GET", "/register/a%2fb//")
	f.Fuzz(func(t *testing.T, method, path string) {
		route, known, ok := m.Match(method, path)
		if ok && (!known || route.Method != method) {
			t.Errorf("%q %q: got %+v, known %v", method, path, route, known)
		}
		if !ok && route != (Route{}) {
			t.Errorf("%q %q: got route %+v beside ok false", method, path, route)
		}
	})
}
