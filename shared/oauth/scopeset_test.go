package oauth

import (
	"strings"
	"testing"
)

// testScopes has one scope of each kind.
const testScopes = `[{"name":"notes:write","words":"change your notes","default":true},
	{"name":"export","words":"export your notes","advertised":true},
	{"name":"admin","words":"delete what was kept"}]`

func scopeSet(t *testing.T, s string) ScopeSet {
	t.Helper()
	set, err := ParseScopeSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What is known, what is granted by default and what is advertised are three lists.
func TestKnownDefaultAndAdvertisedAreThreeLists(t *testing.T) {
	t.Parallel()
	set := scopeSet(t, testScopes)
	for what, row := range map[string]struct {
		got  Scopes
		want string
	}{
		"known":         {set.Known(), "mcp notes:write export admin"},
		"default":       {set.Default(), "mcp notes:write"},
		"advertised":    {set.Advertised(), "mcp notes:write export"},
		"known to zero": {ScopeSet{}.Known(), "mcp"},
	} {
		if row.got.String() != row.want {
			t.Errorf("%s: got %s, want %s", what, row.got, row.want)
		}
	}
	for scope, want := range map[string]string{
		"admin": "delete what was kept", "mcp": "use the tools of this server in your name", "gone": "gone",
	} {
		if got := set.Words(scope); got != want {
			t.Errorf("words of %s: got %q, want %q", scope, got, want)
		}
	}
}

// A step-up scope is granted only when asked for, and who asks for nothing that is known gets
// the default alone (I2, I3).
func TestAStepUpScopeIsGrantedOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	set := scopeSet(t, testScopes)
	for asked, want := range map[string]string{
		"": "mcp notes:write", "openid email": "mcp notes:write", "offline_access": "mcp notes:write", "mcp": "mcp",
		"mcp admin": "mcp admin", "admin": "mcp admin", "admin openid mcp": "mcp admin", "ADMIN": "mcp notes:write",
		"export notes:write": "mcp notes:write export",
	} {
		if got := set.Granted(Scopes(strings.Fields(asked))).String(); got != want {
			t.Errorf("%q: got %q, want %q", asked, got, want)
		}
	}
}

// A scope has a name of its own and words; anything else names what to change.
func TestScopeSetsThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                    "not a JSON array",
		`null`:                                "not a JSON array",
		`{"name":"a","words":"b"}`:            "not a JSON array",
		`[{"name":"a","words":"b","more":1}]`: "not a JSON array",
		`[] []`:                               "follows",
		`[{"name":"a b","words":"c"}]`:        "one scope token",
		`[{"name":"","words":"c"}]`:           "one scope token",
		`[{"name":"é","words":"c"}]`:          "one scope token",
		`[{"name":"mcp","words":"c"}]`:        "taken",
		`[{"name":"profile","words":"c"}]`:    "taken",
		`[{"name":"a"}]`:                      "needs words",
		`[{"name":"a","words":"b\nc"}]`:       "needs words",
		`[{"name":"a","words":"b\u202ec"}]`:   "needs words",
		`[{"name":"a","words":"b"},{"name":"a","words":"c"}]`:                               "two scopes",
		"[" + strings.Repeat(`{"name":"a","words":"b"},`, 32) + `{"name":"b","words":"c"}]`: "more than 32",
	} {
		if set, err := ParseScopeSet(text); err == nil || !strings.Contains(err.Error(), want) || set.added != nil {
			t.Errorf("%s: got %v, %v; want %s", text, set, err, want)
		}
	}
}

// A registration says which of the scopes that there are it will ask for.
func TestARegistrationNamesScopesThatThereAre(t *testing.T) {
	t.Parallel()
	p := testPolicy
	p.Scopes = scopeSet(t, testScopes)
	for asked, want := range map[string]string{"": "mcp notes:write", "admin openid": "mcp admin"} {
		m := ClientMetadata{RedirectURIs: []string{"https://client.example/cb"}, Scope: ScopeText(asked)}
		got, err := m.Accepted(p)
		if err != nil || string(got.Scope) != want {
			t.Errorf("%q: got %q, %v; want %q", asked, got.Scope, err, want)
		}
	}
}
