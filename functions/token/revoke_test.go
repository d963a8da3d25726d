package token

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// Either kind of token ends the grant, whatever the hint, and again is fine (REV-01, REV-03, REV-04,
// RT-13).
func TestRevocationEndsTheGrant(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for _, id := range []string{publicID, basicID, postID} {
		for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
			for _, kind := range []string{"access", "refresh"} {
				a := f.connect(t, id)
				token := map[string]string{"access": a.AccessToken, "refresh": a.RefreshToken}[kind]
				for range 2 {
					w := f.revoke(t, id, token, "token_type_hint", hint)
					if want(t, kind+" "+hint, w, 200, ""); w.Body.Len() > 0 {
						t.Errorf("got body %s, want none", w.Body)
					}
				}
				if f.lives(t, a.AccessToken) {
					t.Errorf("%s %s of %s: the grant lives", kind, hint, id)
				}
				want(t, "refresh", f.refresh(t, id, a.RefreshToken), 400, "invalid_grant")
			}
		}
	}
}

// A used-up refresh token of the family still ends it: that is what the client wants (REV-04).
func TestOldRefreshTokenRevokes(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	b := want(t, "rotate", f.refresh(t, publicID, a.RefreshToken), 200, "")
	f.Clock.Advance(time.Hour)
	want(t, "old token", f.revoke(t, publicID, a.RefreshToken), 200, "")
	want(t, "the family", f.refresh(t, publicID, b.RefreshToken), 400, "invalid_grant")
}

// An access token that has expired still names its grant, which lives on by refreshes and ends with it
// (REV-04).
func TestExpiredAccessTokenRevokes(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a := f.connect(t, publicID)
	f.Clock.Advance(2 * time.Hour)
	want(t, "expired token", f.revoke(t, publicID, a.AccessToken), 200, "")
	want(t, "the family", f.refresh(t, publicID, a.RefreshToken), 400, "invalid_grant")
}

// Nobody ends what is not theirs; the answer does not say so (RT-11, I7, REV-02).
func TestNobodyRevokesForeignTokens(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	public, confidential := f.connect(t, publicID), f.connect(t, basicID)
	for _, token := range []string{public.AccessToken, public.RefreshToken} {
		for _, id := range []string{otherID, basicID, postID, serverID} {
			want(t, id, f.revoke(t, id, token), 200, "")
		}
		want(t, "unknown client", f.revoke(t, "c_nobody", token), 401, "invalid_client")
		want(t, "nobody", f.post(t, oauth.RevokePath, "token", token), 401, "invalid_client")
	}
	for _, token := range []string{confidential.AccessToken, confidential.RefreshToken} {
		want(t, "its id alone", f.post(t, oauth.RevokePath, "token", token, "client_id", basicID), 401,
			"invalid_client")
		want(t, "wrong secret", f.post(t, oauth.RevokePath, "token", token, "Authorization", basic(basicID, "x")), 401,
			"invalid_client")
		want(t, "public client", f.revoke(t, publicID, token), 200, "")
	}
	changed := public.RefreshToken[:len(public.RefreshToken)-6] + "AAAAAA"
	for _, token := range []string{
		changed, "rt_x", "x", "eyJ.eyJ.x", credential.New("rt_").Reveal(),
		public.AccessToken[:len(public.AccessToken)-6] + "AAAAAA",
	} {
		want(t, "not a token of ours", f.revoke(t, publicID, token), 200, "")
	}
	if !f.lives(t, public.AccessToken) || !f.lives(t, confidential.AccessToken) {
		t.Error("a stranger ended a grant")
	}
}

// A client that has changed its method since ends its grants by the method of today, and what is answered
// 200 has ended (RT-11, REV-01).
func TestChangedClientRevokes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, id, method string
		by               func(id string) []string
	}{
		{"confidential, now public", basicID, oauth.AuthMethodNone,
			func(id string) []string { return []string{"client_id", id} }},
		{"public, now confidential", publicID, oauth.AuthMethodBasic,
			func(id string) []string { return []string{"Authorization", basic(id, secretOf(id))} }},
		{"public, now confidential, asking as before", publicID, oauth.AuthMethodPost,
			func(id string) []string { return []string{"client_id", id} }},
		{"by header, now by body", basicID, oauth.AuthMethodPost,
			func(id string) []string { return []string{"client_id", id, "client_secret", secretOf(id)} }},
	} {
		for _, kind := range []string{"access", "refresh"} {
			f := open(t, nil)
			a := f.connect(t, c.id)
			_, err := f.Store.UpdateClient(t.Context(), c.id, func(client *store.Client) error {
				client.Metadata.TokenEndpointAuthMethod, client.SecretHash = c.method, ""
				if c.method != oauth.AuthMethodNone {
					client.SecretHash = credential.Hash(secretOf(c.id))
				}
				return nil
			})
			must(t, err)
			token := map[string]string{"access": a.AccessToken, "refresh": a.RefreshToken}[kind]
			want(t, c.what, f.post(t, oauth.RevokePath, append(c.by(c.id), "token", token)...), 200, "")
			if f.lives(t, a.AccessToken) {
				t.Errorf("%s: %s token: the grant lives after 200", c.what, kind)
			}
		}
	}
}

// At /revoke the right secret counts by either method; at /token only the registered one does (TE-03,
// W16).
func TestEitherSecretMethodRevokes(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	a, b := f.connect(t, postID), f.connect(t, basicID)
	byBasic := f.post(t, oauth.RevokePath, "token", a.RefreshToken, "Authorization", basic(postID, secretOf(postID)))
	want(t, "post client by Basic", byBasic, 200, "")
	byPost := f.post(t, oauth.RevokePath,
		"token", b.RefreshToken, "client_id", basicID, "client_secret", secretOf(basicID))
	want(t, "Basic client by post", byPost, 200, "")
	if f.lives(t, a.AccessToken) || f.lives(t, b.AccessToken) {
		t.Error("the grant lives")
	}
}

// Who may ask learns about the token, and of the rest nothing but active=false (RT-14, INT-01, INT-02,
// INT-03).
func TestIntrospection(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	own, foreign := f.connect(t, basicID), f.connect(t, postID)
	for _, c := range []struct {
		what, caller, token string
		active              bool
	}{
		{"own access token", basicID, own.AccessToken, true},
		{"own refresh token", basicID, own.RefreshToken, true},
		{"foreign access token", basicID, foreign.AccessToken, false},
		{"foreign refresh token", basicID, foreign.RefreshToken, false},
		{"any access token, by a resource server", serverID, foreign.AccessToken, true},
		{"a refresh token, by a resource server", serverID, foreign.RefreshToken, false},
		{"garbage", serverID, "x", false},
		{"a changed access token", basicID, own.AccessToken[:len(own.AccessToken)-6] + "AAAAAA", false},
		{"a changed refresh token", basicID, own.RefreshToken[:len(own.RefreshToken)-6] + "AAAAAA", false},
	} {
		w := f.post(t, oauth.IntrospectPath, append([]string{"token", c.token}, credentials(c.caller)...)...)
		a := want(t, c.what, w, 200, "")
		if a.Active == nil || *a.Active != c.active || !c.active && w.Body.String() != "{\"active\":false}\n" {
			t.Errorf("%s: got %s, want active=%t", c.what, w.Body, c.active)
		}
	}
	want(t, "a public client", f.post(t, oauth.IntrospectPath, "token", own.AccessToken, "client_id", publicID), 401,
		"invalid_client")
	want(t, "nobody", f.post(t, oauth.IntrospectPath, "token", own.AccessToken), 401, "invalid_client")
	want(t, "no token", f.post(t, oauth.IntrospectPath, credentials(basicID)...), 400, "invalid_request")

	rotated := want(t, "rotate", f.refresh(t, basicID, own.RefreshToken), 200, "")
	f.Clock.Advance(3 * time.Minute)
	if f.introspect(t, basicID, own.RefreshToken) || !f.introspect(t, basicID, rotated.RefreshToken) {
		t.Error("a refresh token out of grace is active, or the newest is not")
	}
	f.Clock.Advance(time.Hour)
	if f.introspect(t, basicID, own.AccessToken) {
		t.Error("an expired access token is active")
	}
	fresh := want(t, "refresh", f.refresh(t, basicID, rotated.RefreshToken), 200, "")
	f.revoke(t, basicID, fresh.RefreshToken)
	if f.introspect(t, serverID, fresh.AccessToken) {
		t.Error("a revoked access token is active")
	}
	other := f.connect(t, postID)
	must(t, f.Store.DeleteClient(t.Context(), postID, nil))
	if f.introspect(t, serverID, other.AccessToken) {
		t.Error("a deleted client's access token is active")
	}
}
