package token

import (
	"testing"
	"time"
)

// Whatever way a client proves itself, the whole cycle works: login, refresh, call, and again (B12). A
// token is called with its audience checked.
func TestEveryKindOfClientRefreshesAndCalls(t *testing.T) {
	t.Parallel()
	for _, id := range []string{publicID, basicID, postID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			a := f.connect(t, id)
			for range 3 {
				f.Clock.Advance(time.Hour) // the access token has ended
				a = want(t, "refresh", f.refresh(t, id, a.RefreshToken), 200, "")
				if !f.lives(t, a.AccessToken) || a.RefreshToken == "" {
					t.Fatalf("got %+v, want tokens that work", a)
				}
			}
		})
	}
}

// Our tokens do not hang from the identity provider's (K2). A person whom no membership lets in stays
// signed in when GitHub's token is dead, and GitHub is not asked.
func TestRefreshNeedsNoUpstreamToken(t *testing.T) {
	t.Parallel()
	m := openAcme(t, "anyone", "anyone")
	m.github.RevokeTokens("octocat")
	for range 3 {
		m.Clock.Advance(30 * 24 * time.Hour)
		m.next(t, "a month later", 200, "")
	}
	if calls := m.github.Calls(); len(calls) != 0 {
		t.Errorf("got calls %v, want none", calls)
	}
}
