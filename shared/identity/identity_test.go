package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/identity"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

const (
	issuer   = "https://auth.example.com"
	upstream = "https://wiki.example.com/mcp"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 300e6, time.UTC)

func octocat() identity.Claims {
	return identity.Claims{
		Issuer: issuer, Audience: upstream, Subject: "github:583231", Login: "octocat", Email: "octocat@example.com",
		Name: "The Octocat", ClientID: "c_1", Scopes: oauth.Scopes{"mcp", "wiki:write"},
	}
}

// A clock is moved by tests.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newSigner(ring signing.Ring) (*identity.Signer, *clock) {
	c := &clock{start}
	return &identity.Signer{Ring: keyfile.Static(ring), Now: c.now}, c
}

func token(t *testing.T, s *identity.Signer, c identity.Claims) string {
	t.Helper()
	raw, err := s.Token(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// part decodes a part of a JWT.
func part(t *testing.T, raw string, at int) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[at])
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// The token says who calls, to one server, for five minutes.
func TestTokenSaysWhoCalls(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	s, _ := newSigner(ring)
	raw := token(t, s, octocat())
	if _, err := ring.Public().Verify(identity.Type, raw); err != nil {
		t.Fatal(err)
	}
	wantHeader := map[string]any{"alg": "ES256", "typ": "postern-identity+jwt", "kid": ring.KIDs()[0]}
	if diff := cmp.Diff(wantHeader, part(t, raw, 0)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	claims := part(t, raw, 1)
	if id, _ := claims["jti"].(string); len(id) != 43 {
		t.Errorf("jti: got %v, want 43 random characters", claims["jti"])
	}
	delete(claims, "jti")
	want := map[string]any{
		"iss": issuer, "aud": upstream, "sub": "github:583231", "preferred_username": "octocat",
		"email": "octocat@example.com", "name": "The Octocat", "client_id": "c_1", "scope": "mcp wiki:write",
		"iat": float64(start.Unix()), "exp": float64(start.Unix() + 300),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// What is not known of a person is left out, and is not an empty string.
func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	t.Parallel()
	s, _ := newSigner(signing.Generate())
	c := octocat()
	c.Login, c.Email, c.Name = "", "", ""
	claims := part(t, token(t, s, c), 1)
	for _, name := range []string{"preferred_username", "email", "name"} {
		if v, there := claims[name]; there {
			t.Errorf("%s: got %q, want no such claim", name, v)
		}
	}
}

// A token that names nobody, or is for everybody, is not made (AT-13).
func TestClaimsThatDecideAreRequired(t *testing.T) {
	t.Parallel()
	s, _ := newSigner(signing.Generate())
	for name, clear := range map[string]func(*identity.Claims){
		"issuer":   func(c *identity.Claims) { c.Issuer = "" },
		"audience": func(c *identity.Claims) { c.Audience = "" },
		"subject":  func(c *identity.Claims) { c.Subject = "" },
		"client":   func(c *identity.Claims) { c.ClientID = "" },
	} {
		c := octocat()
		clear(&c)
		if raw, err := s.Token(t.Context(), c); err == nil {
			t.Errorf("without %s: got %s, want an error", name, raw)
		}
	}
}

// No setting makes a token live longer than five minutes.
func TestTokensAreShort(t *testing.T) {
	t.Parallel()
	for ttl, want := range map[time.Duration]float64{
		0: 300, -time.Second: 300, time.Hour: 300, time.Minute: 60, time.Second: 1,
	} {
		s, _ := newSigner(signing.Generate())
		s.TTL = ttl
		claims := part(t, token(t, s, octocat()), 1)
		if got := claims["exp"].(float64) - claims["iat"].(float64); got != want {
			t.Errorf("TTL %s: got a life of %v seconds, want %v", ttl, got, want)
		}
	}
}

// The same caller at the same server gets the same token until it nearly expires, and never
// one that has little time left.
func TestTokenIsKeptUntilItNearlyExpires(t *testing.T) {
	t.Parallel()
	s, clock := newSigner(signing.Generate())
	first := token(t, s, octocat())
	clock.t = start.Add(4*time.Minute - time.Millisecond)
	if token(t, s, octocat()) != first {
		t.Error("a token with more than a minute left was made anew")
	}
	clock.t = start.Add(4 * time.Minute)
	second := token(t, s, octocat())
	if second == first {
		t.Error("a token with a minute left was given out")
	}
	clock.t = clock.t.Add(time.Minute)
	if token(t, s, octocat()) != second {
		t.Error("the newer token was not kept")
	}
}

// Nobody gets a token that says anything else than what was asked for (MP-05).
func TestEveryDifferenceMakesAnotherToken(t *testing.T) {
	t.Parallel()
	s, _ := newSigner(signing.Generate())
	seen := map[string]string{token(t, s, octocat()): "the caller"}
	for name, change := range map[string]func(*identity.Claims){
		"issuer":   func(c *identity.Claims) { c.Issuer = "https://other.example.com" },
		"audience": func(c *identity.Claims) { c.Audience = "https://other.example.com/mcp" },
		"subject":  func(c *identity.Claims) { c.Subject = "github:1" },
		"login":    func(c *identity.Claims) { c.Login = "mona" },
		"email":    func(c *identity.Claims) { c.Email = "mona@example.com" },
		"name":     func(c *identity.Claims) { c.Name = "Mona" },
		"client":   func(c *identity.Claims) { c.ClientID = "c_2" },
		"scopes":   func(c *identity.Claims) { c.Scopes = oauth.Scopes{"mcp"} },
	} {
		c := octocat()
		change(&c)
		raw := token(t, s, c)
		if other, there := seen[raw]; there {
			t.Errorf("another %s has the token of %s", name, other)
		}
		seen[raw] = "another " + name
	}
}

// What is remembered is bounded, however many people there are: the first ones are made anew.
func TestMemoryOfTokensIsBounded(t *testing.T) {
	t.Parallel()
	s, _ := newSigner(signing.Generate())
	first := token(t, s, octocat())
	for i := range 3000 {
		c := octocat()
		c.Subject = fmt.Sprint("github:", i)
		token(t, s, c)
	}
	if token(t, s, octocat()) == first {
		t.Error("a token is remembered after 3000 others, so nothing bounds the memory")
	}
}

// A key that left the ring signs nothing any more, and none of its tokens is given out (SC-08).
func TestTokenOfARetiredKeyIsNotGivenOut(t *testing.T) {
	t.Parallel()
	clock := &clock{start}
	rings := []signing.Ring{signing.Generate(), signing.Generate()}
	s := &identity.Signer{Now: clock.now, Ring: keyfile.New("identity-keys", signing.ParseRing, &keyfile.Options{
		Now: clock.now, MaxAge: time.Second, Read: func(string) ([]byte, error) { return rings[0].Format(), nil },
	})}
	token(t, s, octocat())
	rings = rings[1:]
	clock.t = clock.t.Add(2 * time.Second)
	if _, err := rings[0].Public().Verify(identity.Type, token(t, s, octocat())); err != nil {
		t.Errorf("got %v, want a token of the key that is in the ring", err)
	}
}

// A ring that cannot be read is a fault, and no other key takes its place (SC-09).
func TestUnreadableRingIsAFault(t *testing.T) {
	t.Parallel()
	s := &identity.Signer{Ring: keyfile.New(filepath.Join(t.TempDir(), "none"), signing.ParseRing, nil)}
	var refusal *oauth.Error
	if raw, err := s.Token(t.Context(), octocat()); err == nil || errors.As(err, &refusal) {
		t.Errorf("got %q, %v; want an error that is not a refusal", raw, err)
	}
	if set, err := s.Published(t.Context()); err == nil {
		t.Errorf("published %s, want an error", set)
	}
}

// renamed returns a set with the keys of one ring under the kids of another.
func renamed(t *testing.T, keys, kids signing.Ring) signing.KeySet {
	t.Helper()
	data := strings.ReplaceAll(string(keys.Public().Format()), keys.KIDs()[0], kids.KIDs()[0])
	set, err := signing.ParseKeySet([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// An identity token is not an access token: not by its keys, under the same kid either, and
// not by its type, of the same ring and for the same resource either (AT-04, AT-05, AT-06,
// MP-17).
func TestIdentityTokenIsNoAccessToken(t *testing.T) {
	t.Parallel()
	tells, signs := signing.Generate(), signing.Generate()
	s, clock := newSigner(tells)
	c := octocat()
	c.Audience = issuer + oauth.MCPPath
	raw := token(t, s, c)
	for name, keys := range map[string]signing.KeySet{
		"keys of access tokens":               signs.Public(),
		"keys of access tokens, with its kid": renamed(t, signs, tells),
		"its own keys":                        tells.Public(),
	} {
		v := accesstoken.Verifier{Keys: keyfile.Static(keys), Now: clock.now}
		got, err := v.Verify(t.Context(), credential.Wrap(raw), issuer, c.Audience)
		var refusal *oauth.Error
		if !errors.As(err, &refusal) || refusal.Code != oauth.InvalidToken {
			t.Errorf("%s: got %v, %v; want invalid_token", name, got, err)
		}
	}
}

// An access token does not say who calls, likewise.
func TestAccessTokenIsNoIdentityToken(t *testing.T) {
	t.Parallel()
	tells, signs := signing.Generate(), signing.Generate()
	i := accesstoken.Issuer{Ring: keyfile.Static(signs), TTL: time.Hour}
	raw, _, err := i.Issue(t.Context(), accesstoken.Claims{
		Issuer: issuer, Subject: "github:583231", Audience: upstream, ClientID: "c_1", GrantID: "g",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]signing.KeySet{
		"identity keys":               tells.Public(),
		"identity keys, with its kid": renamed(t, tells, signs),
		"its own keys":                signs.Public(),
	} {
		if payload, err := keys.Verify(identity.Type, raw.Reveal()); err == nil {
			t.Errorf("%s: got %s, want an error", name, payload)
		}
	}
}

// What is published has no private half, and verifies what is signed.
func TestPublishedKeysArePublic(t *testing.T) {
	t.Parallel()
	s, _ := newSigner(signing.Generate())
	data, err := s.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := signing.ParseKeySet(data) // which refuses private members
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Verify(identity.Type, token(t, s, octocat())); err != nil {
		t.Error(err)
	}
}
