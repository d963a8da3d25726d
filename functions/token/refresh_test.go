package token

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
)

// Every use rotates; the old token works for the grace from its first rotation and then ends the
// family (RT-01, TOK-20, TOK-21, B4, W7). Each answer is whole.
func TestRefreshTokensRotateWithAGrace(t *testing.T) {
	t.Parallel()
	for _, id := range []string{publicID, basicID, postID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			first := f.connect(t, id)
			second := want(t, "rotate", f.refresh(t, id, first.RefreshToken), 200, "")
			if second.RefreshToken == first.RefreshToken || second.RefreshToken == "" ||
				second.AccessToken == first.AccessToken {
				t.Fatal("got no new pair")
			}
			f.Clock.Advance(2*time.Minute - time.Second)
			again := want(t, "within grace", f.refresh(t, id, first.RefreshToken), 200, "")
			if again.RefreshToken != second.RefreshToken || !f.lives(t, again.AccessToken) { // RT-02, B6
				t.Error("the repeat did not get the same family's token")
			}
			f.Clock.Advance(2 * time.Second)
			third := want(t, "the newest", f.refresh(t, id, second.RefreshToken), 200, "")
			want(t, "out of grace", f.refresh(t, id, first.RefreshToken), 400, "invalid_grant") // B7
			want(t, "the family", f.refresh(t, id, third.RefreshToken), 400, "invalid_grant")
			if f.lives(t, third.AccessToken) {
				t.Error("the access token outlives the family")
			}
		})
	}
}

// 32 parallel refreshes, from two addresses, each get tokens that all go on working (B1, B2, B5,
// RT-02).
func TestParallelRefreshesAllWork(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	replies := make(chan reply, 32)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() { replies <- want(t, "parallel", f.refresh(t, publicID, a.RefreshToken), 200, "") })
	}
	wg.Wait()
	close(replies)
	f.Clock.Advance(time.Minute)
	for r := range replies {
		if !f.lives(t, r.AccessToken) {
			t.Error("an access token of a parallel refresh is dead")
		}
		want(t, "its refresh token", f.refresh(t, publicID, r.RefreshToken), 200, "")
	}
}

// Whatever refresh runs beside it, nothing lives after the answer to a revocation (RT-05).
func TestRevocationBeatsRefresh(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for range 200 {
		a := f.connect(t, publicID)
		var last atomic.Value
		last.Store(a)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if w := f.refresh(t, publicID, a.RefreshToken); w.Code == http.StatusOK {
					last.Store(decode(t, w))
				}
			})
		}
		wg.Go(func() { want(t, "revoke", f.revoke(t, publicID, a.RefreshToken), 200, "") })
		wg.Wait()
		end := last.Load().(reply)
		want(t, "after the revocation", f.refresh(t, publicID, end.RefreshToken), 400, "invalid_grant")
		if f.lives(t, a.AccessToken) || f.lives(t, end.AccessToken) {
			t.Fatal("something lives after the revocation")
		}
	}
}

// One thing wrong at a time is refused, and neither rotates the token nor ends the family (RT-03,
// RT-06, RT-07, RT-09, TOK-22, TOK-23, TOK-24, B8, D5, J2).
func TestWrongRefreshCostsNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, basicID)
	token := a.RefreshToken
	for _, c := range []struct {
		what   string
		client string
		token  string
		more   []string
		status int
		code   string
	}{
		{"no token", basicID, "", nil, 400, "invalid_request"},
		{"other client", publicID, token, nil, 400, "invalid_grant"},
		{"other confidential client", postID, token, nil, 400, "invalid_grant"},
		{"unknown client", "c_nobody", token, nil, 401, "invalid_client"},
		{"other resource", basicID, token, []string{"resource", "https://other.example/mcp"}, 400, "invalid_target"},
		{"two resources", basicID, token, []string{"resource", issuer, "resource", "https://other.example/mcp"},
			400, "invalid_target"},
		{"odd scope", basicID, token, []string{"scope", "mcp \""}, 400, "invalid_scope"},
		{"changed MAC", basicID, token[:len(token)-6] + "AAAAAA", nil, 400, "invalid_grant"},
		{"changed grant", basicID, "rt_AAAA" + token[7:], nil, 400, "invalid_grant"},
		{"cut", basicID, token[:len(token)-1], nil, 400, "invalid_grant"},
		{"other prefix", basicID, "ac" + token[2:], nil, 400, "invalid_grant"},
		{"somebody else's shape", basicID, "gho_0123456789", nil, 400, "invalid_grant"},
	} {
		want(t, c.what, f.refresh(t, c.client, c.token, c.more...), c.status, c.code)
	}
	f.Clock.Advance(time.Hour) // far out of any grace: a rotation above would end the family now
	two := f.refresh(t, basicID, token, "resource", issuer, "resource", issuer+"/mcp")
	b := want(t, "right, one resource in two spellings", two, 200, "")
	f.Clock.Advance(3 * time.Minute)
	want(t, "reuse by another client", f.refresh(t, publicID, token), 400, "invalid_grant")
	want(t, "reuse with a changed MAC", f.refresh(t, basicID, token[:len(token)-6]+"AAAAAA"), 400, "invalid_grant")
	if !f.lives(t, b.AccessToken) {
		t.Error("somebody without the token ended the family")
	}
}

// What clients add to a refresh is no reason to refuse it: scopes that mean nothing here, the bare
// origin, an empty scope (RT-06, W3).
func TestOddRefreshesAreServed(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	token := f.connect(t, publicID).RefreshToken
	for _, more := range [][]string{
		nil, {"scope", ""}, {"scope", "mcp"}, {"scope", "mcp  mcp"}, {"scope", "offline_access"},
		{"scope", "claudeai mcp"},
		{"resource", issuer}, {"resource", issuer + "/mcp"}, {"resource", ""}, {"unknown", "x"},
	} {
		r := want(t, strings.Join(more, "="), f.refresh(t, publicID, token, more...), 200, "")
		if r.Scope != "mcp" {
			t.Errorf("%v: got scope %q, want mcp", more, r.Scope)
		}
		token = r.RefreshToken
	}
}

// A refresh narrows to known scopes of the grant, and never widens: a step-up is a new sign-in
// (RT-06, J2). What was granted stays so when the operator's list has changed.
func TestARefreshNeverWidens(t *testing.T) {
	t.Parallel()
	f := open(t, func(f *endpoint) {
		scopes, err := oauth.ParseScopeSet(`[{"name":"write","words":"w"},{"name":"admin","words":"a"}]`)
		must(t, err)
		f.Resources = oauth.NewResources(scopes)
	})
	code := f.issue(t, publicID, "", func(l *store.Login) { l.Record.Scopes = oauth.Scopes{"mcp", "write", "gone"} })
	token := want(t, "code", f.redeem(t, publicID, code), 200, "").RefreshToken
	for asked, scope := range map[string]string{
		"": "mcp write gone", "mcp": "mcp", "write openid": "write", "gone": "gone", "openid": "mcp write gone",
	} {
		r := want(t, asked, f.refresh(t, publicID, token, "scope", asked), 200, "")
		if r.Scope != scope {
			t.Errorf("%q: got scope %q, want %q", asked, r.Scope, scope)
		}
		token = r.RefreshToken
	}
	want(t, "more than granted", f.refresh(t, publicID, token, "scope", "mcp admin"), 400, "invalid_scope")
}

// The grant slides with each refresh and ends when it is not used (RT-08, TOK-25, B13).
func TestUnusedGrantEnds(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	const ttl = 2160 * time.Hour
	token := f.connect(t, publicID).RefreshToken
	for range 3 {
		f.Clock.Advance(ttl - time.Second)
		token = want(t, "just in time", f.refresh(t, publicID, token), 200, "").RefreshToken
	}
	f.Clock.Advance(ttl)
	want(t, "too late", f.refresh(t, publicID, token), 400, "invalid_grant")
}

// Two logins of one person with one client are two grants (B15).
func TestSecondLoginLeavesTheFirst(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	first, second := f.connect(t, publicID), f.connect(t, publicID)
	want(t, "end the second", f.revoke(t, publicID, second.RefreshToken), 200, "")
	want(t, "the first", f.refresh(t, publicID, first.RefreshToken), 200, "")
}

// A client may refresh before nearly every request, in parallel, for a long time (W7).
func TestManyRefreshesAMinute(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	token := f.connect(t, publicID).RefreshToken
	for range 300 {
		next := want(t, "refresh", f.refresh(t, publicID, token), 200, "").RefreshToken
		want(t, "its twin", f.refresh(t, publicID, token), 200, "")
		token = next
		f.Clock.Advance(time.Second)
	}
}

// No credential reaches the log, whatever happens to it (RT-16, TE-13).
func TestNoCredentialInTheLog(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, basicID)
	code := f.issue(t, basicID, "", nil)
	f.redeem(t, basicID, code)
	f.redeem(t, basicID, code)
	f.refresh(t, basicID, a.RefreshToken)
	f.Clock.Advance(time.Hour)
	f.refresh(t, basicID, a.RefreshToken)
	f.post(t, oauth.TokenPath, "client_id", basicID, "client_secret", "guess-guess", "grant_type", "refresh_token",
		"refresh_token", a.RefreshToken)
	f.revoke(t, basicID, a.AccessToken)
	f.introspect(t, basicID, a.AccessToken)
	for _, secret := range []string{
		a.AccessToken, a.RefreshToken, code, secretOf(basicID), "guess-guess", verifier, "eyJ", "rt_", "ac_",
	} {
		if strings.Contains(f.Lines.String(), secret) {
			t.Errorf("the log holds %.12s…", secret)
		}
	}
	for _, event := range []string{
		"code.redeemed", "code.replayed", "token.refreshed", "refresh.reused", "client.auth_failed",
	} {
		if !strings.Contains(f.Lines.String(), event) {
			t.Errorf("the log lacks %s", event)
		}
	}
}

// A backup is restored under a client that refreshed since: it goes on, and the operator
// reads of it (SC-03).
func TestRestoredBackupSignsNobodyOut(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	backup := f.Kept(t)
	b := want(t, "refresh", f.refresh(t, publicID, a.RefreshToken), 200, "")
	b = want(t, "refresh", f.refresh(t, publicID, b.RefreshToken), 200, "")
	f.restore(t, backup)
	c := want(t, "after the restore", f.refresh(t, publicID, b.RefreshToken), 200, "")
	if !f.lives(t, c.AccessToken) {
		t.Error("the access token after the restore does not work")
	}
	want(t, "the next one", f.refresh(t, publicID, c.RefreshToken), 200, "")
	log := f.Lines.String()
	if strings.Count(log, `"event":"refresh.fast_forwarded"`) != 1 || !strings.Contains(log, "generations") {
		t.Errorf("got no line, or more than one, of the grant that went forward:\n%s", log)
	}
}

// restore puts documents back as they were.
func (f *endpoint) restore(t *testing.T, backup map[driver.Key]driver.Document) {
	t.Helper()
	must(t, f.Memory.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		for k, d := range backup {
			if err := tx.Set(k, d); err != nil {
				return err
			}
		}
		return nil
	}))
}

// A token with another generation is not genuine (TOK-27).
func TestGenerationIsProtected(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	raw, err := credential.Decode(strings.TrimPrefix(a.RefreshToken, "rt_"), 68)
	must(t, err)
	for i := range raw {
		raw[i] ^= 1
		want(t, "changed", f.refresh(t, publicID, "rt_"+credential.Encode(raw)), 400, "invalid_grant")
		raw[i] ^= 1
	}
	want(t, "untouched", f.refresh(t, publicID, a.RefreshToken), 200, "")
}

// A grant for a resource that the operator took away gives no tokens, and is not ended by
// asking: the resource may come back (RT-07).
func TestARefreshForAResourceThatIsGone(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, publicID, "", func(l *store.Login) { l.Record.Resource = issuer + "/mcp/gone" })
	token := want(t, "code", f.redeem(t, publicID, code), 200, "").RefreshToken
	want(t, "gone", f.refresh(t, publicID, token), 400, "invalid_target")
	f.Resources = oauth.NewResources(oauth.ScopeSet{}, oauth.Resource{Path: "/mcp/gone"})
	var err error
	f.Handler, err = New(f.Config)
	must(t, err)
	want(t, "back", f.refresh(t, publicID, token), 200, "")
}
