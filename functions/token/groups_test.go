package token

import (
	"maps"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func (m *membership) ask(t *testing.T, rules ...string) {
	t.Helper()
	var err error
	m.Groups, err = upstream.ParseGroups(rules)
	must(t, err)
	m.Handler, err = New(m.Config)
	must(t, err)
}

func (m *membership) wantGroups(t *testing.T, what string, want map[string]bool) {
	t.Helper()
	id, _ := store.RefreshGrantID(credential.Wrap(m.token))
	g, err := m.Store.Grant(t.Context(), id)
	must(t, err)
	if !maps.Equal(g.Person.Groups, want) {
		t.Errorf("%s: got groups %v, want %v", what, g.Person.Groups, want)
	}
}

// What servers behind this one ask about a person is looked up again when the last answer is
// older than MEMBERSHIP_TTL, also where anyone may enter, and at once when something new is
// asked. A no takes the group away and nothing else; an outage decides nothing.
func TestGroupsAreLookedUpAgain(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "anyone", "anyone")
	m.ask(t, "org:acme")
	m.next(t, "never asked", 200, "")
	m.wantGroups(t, "never asked", map[string]bool{"org:acme": true})
	m.github.RemoveFromOrg("acme", "octocat")
	m.Clock.Advance(time.Hour - time.Second)
	m.next(t, "a fresh answer", 200, "")
	m.wantGroups(t, "a fresh answer", map[string]bool{"org:acme": true})
	m.Clock.Advance(time.Second)
	m.github.Outage(org, oauthtest.ServerError())
	m.next(t, "an outage", 503, "temporarily_unavailable")
	m.wantGroups(t, "an outage", map[string]bool{"org:acme": true})
	m.github.Repair()
	m.next(t, "an old answer", 200, "")
	m.wantGroups(t, "an old answer", map[string]bool{"org:acme": false})
	m.ask(t, "org:acme", "user:octocat")
	m.next(t, "something new", 200, "")
	m.wantGroups(t, "something new", map[string]bool{"org:acme": false, "user:octocat": true})
	m.ask(t)
	m.Clock.Advance(time.Hour)
	m.next(t, "nothing", 200, "")
}
