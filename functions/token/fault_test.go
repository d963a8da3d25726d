package token

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

// A fault at any operation of the store, before its effect, is 503 and never a verdict, and what
// was asked for works afterwards however late (A7, TE-07, RT-04, RT-12, REV-05).
func TestStoreFaultsDecideNothing(t *testing.T) {
	t.Parallel()
	for _, op := range []string{memory.OpGet, memory.OpTxGet, memory.OpCommit} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			a, code := f.connect(t, basicID), f.issue(t, basicID, "", nil)
			public := f.connect(t, publicID)
			f.Faults.Before(fixture.Down(op))
			for range 2 {
				w := f.redeem(t, basicID, code)
				want(t, "code", w, 503, "temporarily_unavailable")
				if w.Header().Get("Retry-After") == "" {
					t.Error("got no Retry-After")
				}
				want(t, "refresh", f.refresh(t, basicID, a.RefreshToken), 503, "temporarily_unavailable")
				want(t, "revoke", f.revoke(t, basicID, a.RefreshToken), 503, "temporarily_unavailable")
				if op != memory.OpGet { // a public client's own token needs no look at the client
					want(t, "revoke public", f.revoke(t, publicID, public.AccessToken), 503, "temporarily_unavailable")
				} else {
					form := append([]string{"token", a.AccessToken}, credentials(basicID)...)
					want(t, "introspect", f.post(t, oauth.IntrospectPath, form...), 503, "temporarily_unavailable")
				}
			}
			f.Faults.Before(nil)
			want(t, "code afterwards", f.redeem(t, basicID, code), 200, "")
			f.Clock.Advance(time.Hour)
			want(t, "refresh afterwards", f.refresh(t, basicID, a.RefreshToken), 200, "")
		})
	}
}

// The answer to the commit is lost on the way, and the caller gets the whole answer all the same (B6).
func TestLostCommitAnswersAreFound(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, publicID, "", nil)
	f.Faults.After(fixture.Down(memory.OpCommit))
	a := want(t, "code", f.redeem(t, publicID, code), 200, "")
	b := want(t, "refresh", f.refresh(t, publicID, a.RefreshToken), 200, "")
	f.Faults.After(nil)
	if !f.lives(t, b.AccessToken) {
		t.Error("the grant is not there")
	}
	f.Clock.Advance(time.Hour)
	want(t, "the new token", f.refresh(t, publicID, b.RefreshToken), 200, "")
}

// The cost budget of design.md. A confidential client's revocation costs a read more than the budget's 1 and 1:
// its secret has to be compared.
func TestCost(t *testing.T) {
	t.Parallel()
	f := open(t, func(f *endpoint) { f.Memory.RunOnce() })
	cost := func(what string, reads, commits int64) {
		t.Helper()
		if got, want := f.Cost.Take(), (memory.Cost{Reads: reads, Commits: commits}); got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	code := f.issue(t, publicID, "", nil)
	confidential := f.connect(t, basicID)
	f.Cost.Take()
	a := want(t, "code", f.redeem(t, publicID, code), 200, "")
	cost("code", 2, 1)
	b := want(t, "refresh", f.refresh(t, publicID, a.RefreshToken), 200, "")
	cost("refresh", 2, 1)
	want(t, "refresh in grace", f.refresh(t, publicID, a.RefreshToken), 200, "")
	cost("refresh in grace", 2, 1)
	f.revoke(t, publicID, b.AccessToken)
	cost("revoke, public", 1, 1)
	f.revoke(t, basicID, confidential.RefreshToken)
	cost("revoke, confidential", 2, 1)
	f.post(t, oauth.TokenPath, "grant_type", "refresh_token", "grant_type", "x")
	f.post(t, oauth.TokenPath, "grant_type", "refresh_token")
	cost("what is wrong in form", 0, 0) // AV-03
}
