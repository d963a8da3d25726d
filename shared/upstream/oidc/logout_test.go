package oidc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A logout token says who, or which session, or both, and when (UP-25, Back-Channel Logout 1.0 §2.4).
func TestSignOut(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	id, _ := r.mustSignIn(t, "ann")
	for _, row := range []struct {
		bySub, bySession bool
		want             upstream.SignOut
	}{
		{true, false, upstream.SignOut{Subject: id.Subject}},
		{false, true, upstream.SignOut{Session: id.Session}},
		{true, true, upstream.SignOut{Subject: id.Subject, Session: id.Session}},
	} {
		row.want.Before = r.clock.now().Add(time.Minute)
		got, err := r.SignedOut(t.Context(), r.fake.LogoutToken("ann", row.bySub, row.bySession, nil))
		if err != nil || !got.Before.Equal(row.want.Before) {
			t.Errorf("got %+v, %v; want %+v", got, err, row.want)
		}
		if got.Before = row.want.Before; got != row.want {
			t.Errorf("got %+v, want %+v", got, row.want)
		}
	}
	if id.Subject != oidc.Subject(r.fake.URL, "sub|ann") || id.Session == "" {
		t.Errorf("got %+v, want a session", id)
	}
}

// Nothing else signs anybody out: no other provider's word, no other client's, no ID token, no old or future one
// (UP-25, §2.6).
func TestNoOtherTokenSignsOut(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	now := r.clock.now().Unix()
	claim := func(name string, value any) func(h, c map[string]any) {
		return func(_, c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		}
	}
	typ := func(s string) func(h, c map[string]any) { return func(h, _ map[string]any) { h["typ"] = s } }
	event := func(v any) func(h, c map[string]any) { return claim("events", v) }
	const logout = "http://schemas.openid.net/event/backchannel-logout"
	for what, change := range map[string]func(h, c map[string]any){
		"another issuer":         claim("iss", "https://evil.example"),
		"no issuer":              claim("iss", nil),
		"another audience":       claim("aud", "somebody-else"),
		"no audience":            claim("aud", nil),
		"expired":                claim("exp", now-61),
		"no expiry":              claim("exp", nil),
		"made in the future":     claim("iat", now+61),
		"no time":                claim("iat", nil),
		"no id":                  claim("jti", nil),
		"a nonce":                claim("nonce", "n"),
		"an empty nonce":         claim("nonce", ""),
		"no event":               claim("events", nil),
		"another event":          event(map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}),
		"an event of text":       event(map[string]any{logout: "x"}),
		"events that are a list": event([]any{logout}),
		"nobody":                 claim("sub", nil),
		"somebody impossible":    claim("sub", "a\nb"),
		"an access token":        typ("at+jwt"),
		"an ID token's sibling":  typ("secevent+jwt"),
	} {
		_, err := r.SignedOut(t.Context(), r.fake.LogoutToken("ann", true, false, change))
		refusal, ok := errors.AsType[*oauth.Error](err)
		if !ok || refusal.Code != oauth.InvalidRequest {
			t.Errorf("%s: got %v, want invalid_request", what, err)
		}
	}
	for what, token := range map[string]string{
		"none":               oauthtest.SignJWT(nil, map[string]any{"alg": "none"}, map[string]any{"sub": "x"}),
		"another key":        signOut(r, foreignKey()),
		"not a token":        "x",
		"JSON serialization": `{"payload":"e30","signatures":[]}`,
	} {
		_, err := r.SignedOut(t.Context(), token)
		if _, ok := errors.AsType[*oauth.Error](err); !ok {
			t.Errorf("%s: got %v, want invalid_request", what, err)
		}
	}
	for _, kind := range []string{"JWT", "logout+jwt", "LOGOUT+JWT"} {
		if _, err := r.SignedOut(t.Context(), r.fake.LogoutToken("ann", true, false, typ(kind))); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// signOut is a logout token that is right but for the key.
func signOut(r *rig, key any) string {
	_, kid := r.fake.Key()
	now := r.clock.now().Unix()
	return oauthtest.SignJWT(key, map[string]any{"alg": "ES256", "kid": kid, "typ": "logout+jwt"}, map[string]any{
		"iss": r.fake.URL, "aud": r.fake.ClientID, "iat": now, "exp": now + 60, "jti": "1", "sub": "sub|ann",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
}

// Keys that cannot be had are an outage, after which the provider sends it again.
func TestSignOutDuringAnOutage(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", nil)
	r.fake.Outage("", oauthtest.ServerError())
	_, err := r.SignedOut(t.Context(), r.fake.LogoutToken("ann", true, false, nil))
	want(t, "nothing is known yet", err, "outage")
	r.fake.Repair()
	r.fake.Outage("/jwks", oauthtest.ServerError())
	r.clock.advance(time.Minute)
	_, err = r.SignedOut(t.Context(), r.fake.LogoutToken("ann", true, false, nil))
	want(t, "no keys", err, "outage")
}
