package authorize

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func groupsOf(t *testing.T, rules ...string) upstream.Groups {
	t.Helper()
	g, err := upstream.ParseGroups(rules)
	must(t, err)
	return g
}

// What servers behind this one ask about a person is looked up at the sign-in and recorded with
// the grant: yes and no alike. It lets nobody in, and the page says that it is asked.
func TestGroupsAreLookedUpAtTheSignIn(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:octocat,org:nowhere", func(c *Config) {
		c.Groups = groupsOf(t, "org:acme", "org:other", "team:acme/ops", "user:octocat")
	})
	s.github.AddToOrg("acme", "octocat", "active")
	s.github.AddToOrg("acme", "mona", "active")
	page := s.send(t, http.MethodGet, s.request(), "").Body.String()
	if !strings.Contains(page, "your membership in organisations and teams") {
		t.Errorf("got %s, want that memberships are asked for on the page", page)
	}
	q := s.signIn(t, s.browser(loopbackURI), s.request(), "octocat")
	want := map[string]bool{"org:acme": true, "org:other": false, "team:acme/ops": false, "user:octocat": true}
	if g := s.redeem(t, q.Get("code")); !maps.Equal(g.Person.Groups, want) || g.Person.AllowedBy != "user:octocat" {
		t.Errorf("got %v by %s, want %v by user:octocat", g.Person.Groups, g.Person.AllowedBy, want)
	}
}

// A group that nobody can be asked about is no "no": the sign-in goes on when the provider does.
func TestAGroupWithoutAnAnswerIsNoVerdict(t *testing.T) {
	t.Parallel()
	s := serveGitHub(t, "user:octocat,org:nowhere", func(c *Config) { c.Groups = groupsOf(t, "org:acme") })
	s.github.AddToOrg("acme", "octocat", "active")
	s.github.Outage("/user/memberships/orgs/acme", oauthtest.ServerError())
	b := s.browser(loopbackURI)
	p := walk(t, b, get(t, b, s.request(), http.StatusOK), "octocat")
	check(t, p, http.StatusServiceUnavailable)
	s.github.Repair()
	s.finishAgain(t, b, p.Body)
}
