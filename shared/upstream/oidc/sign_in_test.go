package oidc_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A person is issuer and sub (OpenID Connect Core §5.7), with one call where the ID token says all that
// somebody looks at, after description and keys were fetched once.
func TestSignIn(t *testing.T) {
	t.Parallel()
	r := open(t, "group:ops", nil)
	if calls := r.fake.Calls(); len(calls) != 0 {
		t.Errorf("before the first use: got calls %v, want none", calls)
	}
	r.fake.Add(oauthtest.OpenIDPerson{Sub: "a/b|c", Login: "ann", Name: "Ann\u202e Lee", Email: "ann@example.com",
		Groups: []string{"ops"}})
	id, token := r.mustSignIn(t, "ann")
	want := "oidc:" + r.fake.URL + "#a%2Fb%7Cc"
	if id.Subject != want || id.Login != "ann" || id.Name != "Ann Lee" || id.Email != "" ||
		id.Session != r.fake.URL+"#sid-2" {
		t.Errorf("got %+v, want subject %s", id, want)
	}
	if token.Issuer != r.fake.URL || token.ClientID != r.fake.ClientID || token.RefreshToken.IsZero() ||
		token.SignIn == "" || !token.Expiry.Equal(r.clock.now().Add(10*time.Minute)) {
		t.Errorf("got %+v, want a token of this issuer that can be renewed", token)
	}
	if rule, err := allowed(t, r, "group:ops", id); err != nil || rule != "group:ops" {
		t.Errorf("got rule %q, %v", rule, err)
	}
	r.mustSignIn(t, "ann")
	calls := []string{"GET /.well-known/openid-configuration", "POST /token", "GET /jwks", "POST /token"}
	if got := r.fake.Calls(); !slices.Equal(got, calls) {
		t.Errorf("got calls %v, want %v", got, calls)
	}
}

func allowed(t *testing.T, r *rig, rules string, id upstream.Identity) (string, error) {
	t.Helper()
	a, err := upstream.ParseAllow(rules)
	if err != nil {
		t.Fatal(err)
	}
	return a.Check(t.Context(), r.Provider, upstream.Token{}, id)
}

// Where the ID token leaves out what a rule is about, user-info is asked, and must be about the same
// person (§5.3.2). An address and whether it is verified come from one place.
func TestUserInfoFillsIn(t *testing.T) {
	t.Parallel()
	r := open(t, "group:ops,email-domain:example.com", nil)
	r.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = []string{"ops"} })
	r.fake.SignBy(func(_, claims map[string]any) (string, bool) {
		claims["email"] = "ann@evil.example"
		for _, name := range []string{"groups", "preferred_username", "email_verified"} {
			delete(claims, name)
		}
		return "", false
	})
	id, _ := r.mustSignIn(t, "ann")
	if id.Login != "ann" || id.Email != "ann@example.com" {
		t.Errorf("got %+v, want login and address of user-info", id)
	}
	for _, rule := range []string{"group:ops", "email-domain:example.com"} {
		if _, err := allowed(t, r, rule, id); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
	r.fake.Alter("userinfo", func(c map[string]any) { c["sub"] = "somebody-else" })
	_, token, err := r.signIn(t, "ann")
	want(t, "another subject", err, "odd", "another account")
	if token.IsZero() {
		t.Error("got no token with the error, want it to be ended")
	}
}

// An address counts where the provider's own claim says that it is verified (UP-08).
func TestOnlyVerifiedAddressesCount(t *testing.T) {
	t.Parallel()
	preset := func(name string) issuer.Preset { p, _ := issuer.PresetByName(name); return p }
	for _, row := range []struct {
		preset string
		claims map[string]any
		want   string
	}{
		{"", map[string]any{}, "ann@example.com"},
		{"", map[string]any{"email_verified": "true"}, "ann@example.com"},
		{"", map[string]any{"email_verified": false}, ""},
		{"", map[string]any{"email_verified": "false"}, ""},
		{"", map[string]any{"email_verified": 1}, ""},
		{"", map[string]any{"email_verified": nil}, ""},
		{"entra", map[string]any{}, ""},
		{"entra", map[string]any{"xms_edov": true}, "ann@example.com"},
		{"google", map[string]any{}, ""},
		{"google", map[string]any{"hd": "example.com"}, "ann@example.com"},
		{"google", map[string]any{"email": "ann@gmail.com"}, "ann@gmail.com"},
	} {
		r := open(t, "email-domain:example.com", func(c *issuer.Config) { c.Preset = preset(row.preset) })
		r.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Claims = row.claims })
		id, _ := r.mustSignIn(t, "ann")
		if id.Email != row.want {
			t.Errorf("%s %v: got %q, want %q", row.preset, row.claims, id.Email, row.want)
		}
	}
}

// Groups that Entra leaves out because there are too many are not said; nobody is let in or thrown out by
// what is missing.
func TestWithheldGroupsSayNothing(t *testing.T) {
	t.Parallel()
	entra, _ := issuer.PresetByName("entra")
	r := open(t, "group:ops", func(c *issuer.Config) { c.Preset = entra })
	r.fake.Change("ann", func(p *oauthtest.OpenIDPerson) { p.Groups = nil })
	id, _ := r.mustSignIn(t, "ann")
	_, err := allowed(t, r, "group:ops", id)
	want(t, "no groups", err, "not allowed")
	r.fake.Change("ann", func(p *oauthtest.OpenIDPerson) {
		p.Claims = map[string]any{"_claim_names": map[string]string{"groups": "src1"},
			"_claim_sources": map[string]any{"src1": map[string]string{"endpoint": r.fake.URL + "/elsewhere"}}}
	})
	id, _ = r.mustSignIn(t, "ann")
	_, err = allowed(t, r, "group:ops", id)
	want(t, "too many groups", err, "odd", "group:ops")
	if r.fake.Count("GET /elsewhere") != 0 {
		t.Error("what a token names was fetched")
	}
}

// What is asked for is no more than the rules need (UP-11), and the person's wishes arrive.
func TestTheProviderIsAskedForWhatTheRulesNeed(t *testing.T) {
	t.Parallel()
	const used = " and tokens are used"
	for _, row := range []struct {
		preset, allow string
		hints         upstream.Hints
		want          map[string]string
	}{
		{"", "anyone", upstream.Hints{}, map[string]string{"scope": "openid profile"}},
		{"", "anyone" + used, upstream.Hints{},
			map[string]string{"scope": "openid profile offline_access", "prompt": "consent"}},
		{"", "group:ops", upstream.Hints{},
			map[string]string{"scope": "openid profile offline_access", "prompt": "consent"}},
		{"", "email:a@example.com",
			upstream.Hints{Prompt: []string{"select_account"}, LoginHint: "ann", DomainHint: "example.com"},
			map[string]string{
				"scope": "openid profile email offline_access", "prompt": "select_account consent", "login_hint": "ann",
				"domain_hint": "example.com",
			}},
		{"google", "email:a@example.com", upstream.Hints{DomainHint: "example.com"}, map[string]string{
			"scope": "openid profile email", "prompt": "consent", "access_type": "offline", "hd": "example.com"}},
		{"okta", "group:ops", upstream.Hints{Prompt: []string{"login"}}, map[string]string{
			"scope": "openid profile groups offline_access", "prompt": "login"}},
		{"gitlab", "group:acme", upstream.Hints{}, map[string]string{"scope": "openid profile"}},
	} {
		allow, renewing := strings.CutSuffix(row.allow, used)
		r := open(t, allow, func(c *issuer.Config) {
			c.Preset, _ = issuer.PresetByName(row.preset)
			c.TokensUsed = renewing
		})
		u, err := url.Parse(r.away(t, row.hints))
		if err != nil {
			t.Fatal(err)
		}
		got := u.Query()
		for name, value := range map[string]string{
			"client_id": r.fake.ClientID, "redirect_uri": callback, "response_type": "code", "state": "the-state",
			"code_challenge_method": "S256", "nonce": issuer.Nonce(verifier),
		} {
			if got.Get(name) != value {
				t.Errorf("%s %s: %s got %q, want %q", row.preset, row.allow, name, got.Get(name), value)
			}
			got.Del(name)
		}
		got.Del("code_challenge")
		wanted := url.Values{}
		for name, value := range row.want {
			wanted.Set(name, value)
		}
		if got.Encode() != wanted.Encode() {
			t.Errorf("%s %s: got %q, want %q", row.preset, row.allow, got.Encode(), wanted.Encode())
		}
	}
}

// A provider without a choice of accounts, which says so, asks for a sign-in in its place: it would
// give the same account again without a word, and nobody could use another one (H6).
func TestAnotherAccountWhereThereIsNoChoice(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		knows, wishes []string
		want          string
	}{
		{nil, []string{"select_account"}, "select_account"},
		{[]string{"none", "login", "consent", "select_account"}, []string{"select_account"}, "select_account"},
		{[]string{"none", "login", "consent"}, []string{"select_account"}, "login"},
		{[]string{"none", "login", "consent"}, []string{"login", "select_account"}, "login"},
		{[]string{"none", "login", "consent"}, []string{"consent"}, "consent"},
	} {
		r := open(t, "anyone", nil)
		r.fake.Alter("discovery", func(d map[string]any) {
			if row.knows != nil {
				d["prompt_values_supported"] = row.knows
			}
		})
		u, err := url.Parse(r.away(t, upstream.Hints{Prompt: row.wishes}))
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Query().Get("prompt"); got != row.want {
			t.Errorf("knows %q, asked for %q: prompt got %q, want %q", row.knows, row.wishes, got, row.want)
		}
	}
}

// What a product can never answer is a problem of the settings, which says what to write instead.
func TestRulesThatNoClaimAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ preset, rule, want string }{
		{"", "org:acme", "group:"}, {"", "team:acme/ops", "group:"}, {"", "user:ann", "user-id:"},
		{"", "group:ops", ""},
		{"", "claim:a=b", ""}, {"", "user-id:x", ""}, {"", "anyone", ""}, {"keycloak", "user:ann", ""},
		{"okta", "user:ann@example.com", ""}, {"google", "group:ops", "claim:hd="},
		{"auth0", "group:ops", "OIDC_GROUPS_CLAIM"},
		{"entra", "user:ann", "user-id:"}, {"google", "email-domain:example.com", ""},
	} {
		r := open(t, row.rule, func(c *issuer.Config) { c.Preset, _ = issuer.PresetByName(row.preset) })
		a, err := upstream.ParseAllow(row.rule)
		if err != nil {
			t.Fatal(err)
		}
		err = a.Fits(r.Provider)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %s: got %v, want %q", row.preset, row.rule, err, row.want)
		}
	}
}

// No setting that is wrong waits for a sign-in to show.
func TestSettingsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartOpenID(t, nil)
	for words, change := range map[string]func(*issuer.Config){
		"OIDC_ISSUER is not set":               func(c *issuer.Config) { c.Issuer = "" },
		"OIDC_ISSUER is not https":             func(c *issuer.Config) { c.Issuer = "http://id.example.com" },
		"OIDC_ISSUER has a query":              func(c *issuer.Config) { c.Issuer = "https://id.example.com?x" },
		"OIDC_CLIENT_ID is not set":            func(c *issuer.Config) { c.ClientID = "" },
		"OIDC_CLIENT_SECRET_FILE is not set":   func(c *issuer.Config) { c.Secret = nil },
		"want OIDC_CLIENT_KEY_FILE as well":    func(c *issuer.Config) { c.AuthMethod = "private_key_jwt" },
		"OIDC_TENANTS is set, and OIDC_ISSUER": func(c *issuer.Config) { c.Tenants = []string{issuer.AnyTenant} },
		"OIDC_TENANTS is not set, and OIDC_ISSUER s": func(c *issuer.Config) {
			c.Preset, _ = issuer.PresetByName("entra")
			c.Issuer = "https://login.microsoftonline.com/organizations/v2.0"
		},
	} {
		c := config(t, fake, "anyone")
		change(&c)
		if _, err := oidc.New(c); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("got calls %v, want none", calls)
	}
}

// The secret travels as the provider offers, encoded as in a form (RFC 6749 §2.3.1).
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		said    string
		offered []string
		inForm  bool
	}{
		{"", nil, false}, {"", []string{"client_secret_post"}, true},
		{"", []string{"client_secret_post", "client_secret_basic"}, false},
		{"client_secret_post", []string{"client_secret_basic"}, true},
	} {
		r := open(t, "anyone", func(c *issuer.Config) { c.AuthMethod = row.said })
		r.fake.Alter("discovery", func(d map[string]any) {
			if row.offered != nil {
				d["token_endpoint_auth_methods_supported"] = row.offered
			}
		})
		r.mustSignIn(t, "ann")
		if got := r.fake.LastForm().Has("client_secret"); got != row.inForm {
			t.Errorf("%+v: secret in the form got %t", row, got)
		}
	}
}

// A key in place of a secret proves who we are; the secret stays where it is.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	r := open(t, "anyone", func(c *issuer.Config) {
		key, err := issuer.ParseKey(clientKey(t))
		if err != nil {
			t.Fatal(err)
		}
		c.Secret, c.Key = nil, func(context.Context) (issuer.Key, error) { return key, nil }
	})
	r.mustSignIn(t, "ann")
	form := r.fake.LastForm()
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
		strings.Count(form.Get("client_assertion"), ".") != 2 || form.Has("client_secret") {
		t.Errorf("got %v, want an assertion and no secret", form)
	}
}

// What is revoked is the refresh token, from which all else comes; a token of another client or issuer is not sent
// (K5, UP-11).
func TestRevoke(t *testing.T) {
	t.Parallel()
	r := open(t, "group:ops", nil)
	_, token := r.mustSignIn(t, "ann")
	for _, foreign := range []upstream.Token{
		{AccessToken: token.AccessToken, Issuer: "https://other.example", ClientID: token.ClientID},
		{AccessToken: token.AccessToken, Issuer: token.Issuer, ClientID: "other"},
	} {
		want(t, "a foreign token", r.Revoke(t.Context(), foreign), "token dead")
	}
	if r.fake.Count("POST /revoke") != 0 || r.fake.Live("ann") != 1 {
		t.Error("a foreign token was sent")
	}
	for range 2 {
		if err := r.Revoke(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	if r.fake.Live("ann") != 0 || r.fake.LastForm().Get("token") != token.RefreshToken.Reveal() {
		t.Error("got the sign-in alive at the provider")
	}
	r.fake.Outage("/revoke", oauthtest.ServerError())
	want(t, "an outage", r.Revoke(t.Context(), token), "outage")
	r.fake.Alter("discovery", func(d map[string]any) { delete(d, "revocation_endpoint") })
	r.clock.advance(2 * time.Hour)
	if err := r.Revoke(t.Context(), token); err != nil {
		t.Errorf("no endpoint: %v", err)
	}
}
