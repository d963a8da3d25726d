package token

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// One thing wrong at a time is refused and costs nothing: the right request works afterwards (AC-07,
// RU-18, TOK-10, TOK-11, TOK-13, TOK-14, B8, D5, AC-02, AC-08, W6).
func TestWrongRedemptionCostsNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, publicID, "", nil)
	form := func(changes ...string) []string {
		v := map[string]string{"grant_type": "authorization_code", "code": code, "code_verifier": verifier,
			"client_id": publicID}
		for i := 0; i < len(changes); i += 2 {
			v[changes[i]] = changes[i+1]
		}
		var list []string
		for name, value := range v {
			list = append(list, name, value)
		}
		return list
	}
	for _, c := range []struct {
		what   string
		form   []string
		status int
		code   string
	}{
		{"no code", form("code", ""), 400, "invalid_request"},
		{"no verifier", form("code_verifier", ""), 400, "invalid_request"},
		{"wrong verifier", form("code_verifier", challenge), 400, "invalid_grant"},
		{"verifier of 42", form("code_verifier", verifier[:42]), 400, "invalid_grant"},
		{"verifier of 129", form("code_verifier", verifier+verifier+verifier), 400, "invalid_grant"},
		{"padded verifier", form("code_verifier", verifier+"="), 400, "invalid_grant"},
		{"other redirect URI of the client", form("redirect_uri", "https://client.example/cb"), 400, "invalid_grant"},
		{"other port", form("redirect_uri", "http://127.0.0.1:49153/callback"), 400, "invalid_grant"},
		{"other resource", form("resource", "https://other.example/mcp"), 400, "invalid_target"},
		{"two resources", append(form("resource", issuer), "resource", "https://other.example/mcp"),
			400, "invalid_target"},
		{"other client", form("client_id", otherID), 400, "invalid_grant"},
		{"unknown client", form("client_id", "c_nobody"), 401, "invalid_client"}, // A2
		{"no client", form("client_id", ""), 401, "invalid_client"},
		{"public client with a secret", form("client_secret", "x"), 401, "invalid_client"}, // TE-10
		{"unknown grant", form("grant_type", "password"), 400, "unsupported_grant_type"},
		{"client credentials", form("grant_type", "client_credentials"), 400, "unsupported_grant_type"},
		{"no grant", form("grant_type", ""), 400, "invalid_request"},
		{"code with more", form("code", code+"A"), 400, "invalid_grant"},
		{"code changed", form("code", "ac_A"+code[4:]), 400, "invalid_grant"},
		{"code cut", form("code", code[:len(code)-1]), 400, "invalid_grant"},
	} {
		want(t, c.what, f.post(t, oauth.TokenPath, c.form...), c.status, c.code)
	}
	a := want(t, "right", f.post(t, oauth.TokenPath, form("redirect_uri", redirectURI, "resource", issuer)...), 200,
		"") // W3
	if a.RefreshToken == "" || a.TokenType != "Bearer" || a.ExpiresIn != 3600 || a.Scope != "mcp" ||
		!f.lives(t, a.AccessToken) {
		t.Errorf("got %+v, want a whole answer (TOK-30, B10, I3)", a)
	}
}

// A code lives for its time and not a moment longer (AC-09, TOK-10).
func TestCodeExpires(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	early, late := f.issue(t, publicID, "", nil), f.issue(t, publicID, "", nil)
	f.Clock.Advance(time.Minute - time.Microsecond)
	want(t, "just in time", f.redeem(t, publicID, early), 200, "")
	f.Clock.Advance(time.Microsecond)
	want(t, "at its end", f.redeem(t, publicID, late), 400, "invalid_grant")
}

// A replay ends the grant only if the client, its credentials and the verifier are right (AC-05,
// AC-06, I5, TOK-12).
func TestReplayedCodeRevokesItsTokens(t *testing.T) {
	t.Parallel()
	for _, id := range []string{publicID, basicID, postID} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			code := f.issue(t, id, "", nil)
			a := want(t, "first", f.redeem(t, id, code), 200, "")
			sibling := f.connect(t, id)
			with := []string{"grant_type", "authorization_code", "code", code, "code_verifier"}
			wrong := append(append(credentials(id), with...), challenge)
			want(t, "wrong verifier", f.post(t, oauth.TokenPath, wrong...), 400, "invalid_grant")
			want(t, "another client", f.redeem(t, otherID, code), 400, "invalid_grant")
			wrong = append(append([]string{"client_id", basicID, "client_secret", "x"}, with...), verifier)
			want(t, "wrong secret", f.post(t, oauth.TokenPath, wrong...), 401, "invalid_client")
			want(t, "other redirect", f.redeem(t, id, code, "redirect_uri", "https://client.example/cb"), 400,
				"invalid_grant")
			if !f.lives(t, a.AccessToken) {
				t.Fatal("a wrong replay ended the grant")
			}
			f.Clock.Advance(30 * time.Minute) // long after the code's own end
			want(t, "replay", f.redeem(t, id, code), 400, "invalid_grant")
			if f.lives(t, a.AccessToken) {
				t.Error("the access token lives on")
			}
			want(t, "its refresh token", f.refresh(t, id, a.RefreshToken), 400, "invalid_grant")
			if !f.lives(t, sibling.AccessToken) { // B15
				t.Error("another login of the same person and client ended too")
			}
		})
	}
}

// Of 64 redemptions at once one wins, and its tokens do not outlive the 63 replays (AC-04, I6).
func TestOneOfManyRedemptionsWins(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for range 5 {
		code := f.issue(t, publicID, "", nil)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				w := f.redeem(t, publicID, code)
				switch w.Code {
				case http.StatusOK:
					won.Add(1)
				case http.StatusBadRequest:
				default:
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("got %d winners, want 1", won.Load())
		}
	}
}

// A client that did not register for refresh tokens gets none and may not use another's (TE-06).
func TestClientWithoutRefreshGrant(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, codeOnlyID)
	if a.RefreshToken != "" || a.Scope != "mcp" {
		t.Errorf("got %+v, want no refresh token and the scope mcp", a)
	}
	want(t, "refresh", f.refresh(t, codeOnlyID, f.connect(t, publicID).RefreshToken), 400, "invalid_grant")
}

// A client that asked for offline_access has a refresh token whatever it registered for, and the
// answer says that it was granted (B10, B11).
func TestOfflineAccessGivesARefreshToken(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	offline := func(l *store.Login) { l.Record.Offline = true }
	for _, id := range []string{codeOnlyID, publicID} {
		a := want(t, id, f.redeem(t, id, f.issue(t, id, "", offline)), 200, "")
		if a.RefreshToken == "" || a.Scope != "mcp offline_access" {
			t.Errorf("%s: got %+v, want a refresh token and the scope it was granted", id, a)
		}
		b := want(t, id+", refresh", f.refresh(t, id, a.RefreshToken), 200, "")
		if b.RefreshToken == "" || b.Scope != "mcp offline_access" {
			t.Errorf("%s, refresh: got %+v, want the same once more", id, b)
		}
		if c := want(t, id+", narrowed", f.refresh(t, id, b.RefreshToken, "scope", "mcp"), 200, ""); c.Scope != "mcp" {
			t.Errorf("%s, narrowed: got the scope %q, want what was asked for", id, c.Scope)
		}
	}
}

// A client that gave up its registration for refresh tokens does not refresh any more (TOK-07).
func TestClientThatGaveUpRefreshing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	_, err := f.Store.UpdateClient(t.Context(), publicID, func(c *store.Client) error {
		c.Metadata.GrantTypes = []string{oauth.GrantAuthorizationCode}
		return nil
	})
	must(t, err)
	want(t, "refresh", f.refresh(t, publicID, a.RefreshToken), 400, "unauthorized_client")
}

// A deleted client exchanges nothing, and one that was used does not expire (TE-12, A5).
func TestDeletedClientExchangesNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a, code := f.connect(t, publicID), f.issue(t, publicID, "", nil)
	f.Clock.Advance(365 * 24 * time.Hour)
	want(t, "a year later", f.redeem(t, publicID, f.issue(t, publicID, "", nil)), 200, "")
	f.Clock.Advance(-365 * 24 * time.Hour)
	must(t, f.Store.DeleteClient(t.Context(), publicID, nil))
	want(t, "code", f.redeem(t, publicID, code), 401, "invalid_client")
	want(t, "refresh", f.refresh(t, publicID, a.RefreshToken), 401, "invalid_client")
	if f.lives(t, a.AccessToken) {
		t.Error("the access token lives on")
	}
	want(t, "one that was never used, in time", f.redeem(t, otherID, "ac_x"), 400, "invalid_grant")
	f.Clock.Advance(168 * time.Hour)
	want(t, "one that was never used, after CLIENT_UNUSED_TTL", f.redeem(t, otherID, "ac_x"), 401, "invalid_client")
}

// A code without a challenge, which nothing here makes, redeems to nothing (AC-02).
func TestCodeWithoutChallengeIsWorthless(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	code := f.issue(t, publicID, "", func(l *store.Login) { l.Record.Challenge = "" })
	want(t, "with a verifier", f.redeem(t, publicID, code), 400, "invalid_grant")
	form := []string{"grant_type", "authorization_code", "code", code, "client_id", publicID}
	want(t, "without", f.post(t, oauth.TokenPath, form...), 400, "invalid_request")
}

// Each kind of credential works in its own place alone (AT-05).
func TestOneCredentialIsNotAnother(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, basicID)
	code := f.issue(t, basicID, "", nil)
	for what, token := range map[string]string{
		"access": a.AccessToken, "refresh": a.RefreshToken, "client id": basicID, "secret": secretOf(basicID),
		"registration": credential.New("rat_").Reveal(),
	} {
		want(t, what+" as code", f.redeem(t, basicID, token), 400, "invalid_grant")
	}
	for what, token := range map[string]string{"access": a.AccessToken, "code": code, "secret": secretOf(basicID)} {
		want(t, what+" as refresh", f.refresh(t, basicID, token), 400, "invalid_grant")
	}
	for what, token := range map[string]string{"code": code, "secret": secretOf(basicID), "id": basicID} {
		if got := f.introspect(t, basicID, token); got {
			t.Errorf("%s is active", what)
		}
		want(t, "revoke "+what, f.revoke(t, basicID, token), 200, "")
	}
	want(t, "still there", f.redeem(t, basicID, code), 200, "")
	if !f.lives(t, a.AccessToken) {
		t.Error("the grant is gone")
	}
}

func (f *endpoint) introspect(tb testing.TB, clientID, token string) bool {
	tb.Helper()
	form := append([]string{"token", token}, credentials(clientID)...)
	a := want(tb, "introspect", f.post(tb, oauth.IntrospectPath, form...), 200, "")
	return a.Active != nil && *a.Active
}
