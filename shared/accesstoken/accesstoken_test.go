package accesstoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/signing"
)

const (
	issuer   = "https://auth.example.com"
	resource = issuer + "/mcp"
)

var begin = time.Date(2026, 11, 25, 12, 0, 0, 987_654_321, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func issuerOf(ring signing.Ring) *Issuer {
	return &Issuer{Ring: keyfile.Static(ring), TTL: time.Hour, Now: at(begin)}
}

func verifierOf(ring signing.Ring, now time.Time) *Verifier {
	return &Verifier{Keys: keyfile.Static(ring.Public()), Now: at(now)}
}

func claims() Claims {
	return Claims{
		Issuer: issuer, Subject: "github:583231", Audience: resource, ClientID: "c_1",
		Scopes: oauth.Scopes{"mcp", "more"}, GrantID: "g1",
	}
}

func issue(t *testing.T, ring signing.Ring, c Claims) credential.Secret {
	t.Helper()
	raw, _, err := issuerOf(ring).Issue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sign signs whatever is given, for tokens that Issue would not make.
func sign(t *testing.T, ring signing.Ring, typ string, payload any) credential.Secret {
	t.Helper()
	raw, err := ring.Sign(typ, payload)
	if err != nil {
		t.Fatal(err)
	}
	return credential.Wrap(raw)
}

func wantInvalidToken(t *testing.T, name string, err error) {
	t.Helper()
	if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidToken {
		t.Errorf("%s: got %v, want invalid_token", name, err)
	}
}

func TestIssuedTokenVerifies(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	raw, issued, err := issuerOf(ring).Issue(t.Context(), claims())
	if err != nil {
		t.Fatal(err)
	}
	got, err := verifierOf(ring, begin).Verify(t.Context(), raw, issuer, resource)
	if err != nil {
		t.Fatal(err)
	}
	if got.Scopes.String() != "mcp more" || issued.Scopes.String() != "mcp more" {
		t.Errorf("got scopes %q and %q", got.Scopes, issued.Scopes)
	}
	got.Scopes, issued.Scopes = nil, nil
	if !equal(got, issued) {
		t.Errorf("got %+v, want %+v", got, issued)
	}
	want := begin.Truncate(time.Second)
	if !got.IssuedAt.Equal(want) || !got.Expiry.Equal(want.Add(time.Hour)) || len(got.ID) < 43 {
		t.Errorf("got %v to %v, id %q", got.IssuedAt, got.Expiry, got.ID)
	}
	again, _, err := issuerOf(ring).Issue(t.Context(), claims())
	if err != nil || again.Reveal() == raw.Reveal() {
		t.Errorf("two tokens are the same, or %v", err)
	}
}

func equal(a, b Claims) bool {
	return a.Issuer == b.Issuer && a.Subject == b.Subject && a.Audience == b.Audience && a.ClientID == b.ClientID &&
		a.GrantID == b.GrantID && a.ID == b.ID && a.IssuedAt.Equal(b.IssuedAt) && a.Expiry.Equal(b.Expiry)
}

// The wire form of RFC 9068 §2.2, whole seconds and one audience.
func TestWireForm(t *testing.T) {
	t.Parallel()
	raw := issue(t, signing.Generate(), claims()).Reveal()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("got %d parts, want 3", len(parts))
	}
	var header, payload map[string]any
	for i, into := range []*map[string]any{&header, &payload} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	if header["alg"] != "ES256" || header["typ"] != "at+jwt" || header["kid"] == "" {
		t.Errorf("got header %v", header)
	}
	delete(payload, "jti")
	second := float64(begin.Unix())
	want := map[string]any{
		"iss": issuer, "sub": "github:583231", "aud": resource, "client_id": "c_1", "scope": "mcp more",
		"grant": "g1", "iat": second, "exp": second + 3600,
	}
	if !maps.Equal(payload, want) {
		t.Errorf("got %v, want %v", payload, want)
	}
}

// A token for another resource, or of another issuer with the same keys, is refused (AT-01, AT-04,
// D10).
func TestTokenIsGoodForOneIssuerAndOneResource(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	v := verifierOf(ring, begin)
	for name, edit := range map[string]func(*Claims){
		"another resource":      func(c *Claims) { c.Audience = issuer + "/other" },
		"the bare origin":       func(c *Claims) { c.Audience = issuer },
		"a trailing slash":      func(c *Claims) { c.Audience = resource + "/" },
		"a prefix":              func(c *Claims) { c.Audience = resource[:len(resource)-1] },
		"no resource":           func(c *Claims) { c.Audience = "" },
		"another issuer":        func(c *Claims) { c.Issuer = "https://other.example.com" },
		"an issuer with slash":  func(c *Claims) { c.Issuer = issuer + "/" },
		"an issuer in capitals": func(c *Claims) { c.Issuer = "https://AUTH.example.com" },
		"no issuer":             func(c *Claims) { c.Issuer = "" },
	} {
		c := claims()
		edit(&c)
		_, err := v.Verify(t.Context(), issue(t, ring, c), issuer, resource)
		wantInvalidToken(t, name, err)
	}
	if _, err := v.Verify(t.Context(), issue(t, ring, claims()), issuer, issuer+"/other"); err == nil {
		t.Error("a token for /mcp was accepted at /other")
	}
}

// No other credential is an access token (AT-05).
func TestOtherCredentialsAreNoAccessTokens(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	v := verifierOf(ring, begin)
	for name, raw := range map[string]credential.Secret{
		"nothing":              credential.Wrap(""),
		"refresh token":        credential.New("rt_"),
		"code":                 credential.New("code_"),
		"registration token":   credential.New("rat_"),
		"GitHub's":             credential.Wrap("gho_16C7e42F292c6912E7710c838347Ae178B4a"),
		"a signed JWT":         sign(t, ring, "JWT", wire()),
		"an ID token":          sign(t, ring, "", wire()),
		"a logout token":       sign(t, ring, "logout+jwt", wire()),
		"type in capitals":     sign(t, ring, "AT+JWT2", wire()),
		"the long type's kin":  sign(t, ring, "application/at+jwt+x", wire()),
		"a sealed Fernet text": credential.Wrap("gAAAAABh" + strings.Repeat("A", 200)),
	} {
		_, err := v.Verify(t.Context(), raw, issuer, resource)
		wantInvalidToken(t, name, err)
	}
	if _, err := v.Verify(t.Context(), sign(t, ring, Type, wire()), issuer, resource); err != nil {
		t.Errorf("the claims that the rows use: got %v, want them to pass under the right type", err)
	}
}

func wire() map[string]any {
	return map[string]any{
		"iss": issuer, "sub": "github:1", "aud": resource, "client_id": "c_1", "scope": "mcp",
		"grant": "g1", "jti": "j1",
		"iat": begin.Unix(), "exp": begin.Unix() + 60,
	}
}

// What is missing, null, empty or of another type is no (AT-06, AT-13).
func TestMissingClaimIsARefusal(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	v := verifierOf(ring, begin)
	for _, claim := range []string{"iss", "sub", "aud", "client_id", "grant", "jti", "iat", "exp"} {
		for name, value := range map[string]any{
			"missing": nil, "empty": "", "zero": 0, "negative": -1, "true": true,
			"a list": []string{resource}, "an object": map[string]any{},
		} {
			w := wire()
			if w[claim] = value; name == "missing" {
				delete(w, claim)
			}
			_, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource)
			wantInvalidToken(t, claim+" "+name, err)
		}
		w := wire()
		w[claim] = nil
		_, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource)
		wantInvalidToken(t, claim+" null", err)
	}
	for name, value := range map[string]any{
		"several audiences": []string{resource, issuer}, "one in a list": []string{resource},
	} {
		w := wire()
		w["aud"] = value
		_, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource)
		wantInvalidToken(t, name, err)
	}
	for name, value := range map[string]any{"text": "1900000000", "fraction": 1.9e9 + 0.5, "beyond int64": 1e30} {
		w := wire()
		w["exp"] = value
		_, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource)
		wantInvalidToken(t, "exp as "+name, err)
	}
	for name, payload := range map[string]any{"null": nil, "list": []int{1}, "text": "x"} {
		_, err := v.Verify(t.Context(), sign(t, ring, Type, payload), issuer, resource)
		wantInvalidToken(t, "payload "+name, err)
	}
	// A token without scopes is one that allows nothing.
	w := wire()
	delete(w, "scope")
	if c, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource); err != nil || len(c.Scopes) != 0 {
		t.Errorf("no scope: got %q, %v; want none", c.Scopes, err)
	}
	w["scope"] = "a\"b"
	_, err := v.Verify(t.Context(), sign(t, ring, Type, w), issuer, resource)
	wantInvalidToken(t, "malformed scope", err)
}

// A token whose expiry is now has expired; another instance's clock may be half a minute ahead and
// no more (SC-20).
func TestTimeBounds(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	raw := issue(t, ring, claims())
	second := begin.Truncate(time.Second)
	for _, row := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"at once", second, true},
		{"just before its end", second.Add(time.Hour - time.Nanosecond), true},
		{"at its end", second.Add(time.Hour), false},
		{"after", second.Add(time.Hour + time.Second), false},
		{"30 s ahead", second.Add(-30 * time.Second), true},
		{"31 s ahead", second.Add(-31 * time.Second), false},
	} {
		_, err := verifierOf(ring, row.now).Verify(t.Context(), raw, issuer, resource)
		if (err == nil) != row.want {
			t.Errorf("%s: got %v, want success %v", row.name, err, row.want)
		}
		if !row.want {
			wantInvalidToken(t, row.name, err)
		}
	}
}

// None of the known tricks with the header passes (AT-06).
func TestForgedHeadersAreRefused(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	v := verifierOf(ring, begin)
	raw := issue(t, ring, claims()).Reveal()
	parts := strings.Split(raw, ".")
	var header map[string]any
	b, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &header); err != nil {
		t.Fatal(err)
	}
	enc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	with := func(edit map[string]any) string {
		h := maps.Clone(header)
		maps.Copy(h, edit)
		return enc(h)
	}
	hs256 := func(head string, key []byte) string {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(head + "." + parts[1]))
		return head + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Signed by a stranger's key, which the header brings along.
	strange := func(head string) string {
		sum := sha256.Sum256([]byte(head + "." + parts[1]))
		r, s, err := ecdsa.Sign(rand.Reader, other, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return head + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	point, err := other.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]any{
		"kty": "EC", "crv": "P-256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}
	public := ring.Public().Format()
	signedBy := func(signature []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	for name, token := range map[string]string{
		"alg none":                  with(map[string]any{"alg": "none"}) + "." + parts[1] + ".",
		"alg None, old signature":   with(map[string]any{"alg": "None"}) + "." + parts[1] + "." + parts[2],
		"HMAC with the public keys": hs256(with(map[string]any{"alg": "HS256"}), public),
		"HMAC with nothing":         hs256(with(map[string]any{"alg": "HS256"}), nil),
		"ES384":                     with(map[string]any{"alg": "ES384"}) + "." + parts[1] + "." + parts[2],
		"stranger's key":            strange(parts[0]),
		"stranger's key in jwk":     strange(with(map[string]any{"jwk": jwk})),
		"stranger's key, no kid":    strange(enc(map[string]any{"alg": "ES256", "typ": Type, "jwk": jwk})),
		"stranger's key by jku":     strange(with(map[string]any{"jku": "https://evil.test/jwks.json"})),
		"stranger's key by x5u":     strange(with(map[string]any{"x5u": "https://evil.test/x.pem"})),
		"kid as a path":             strange(with(map[string]any{"kid": "../../dev/null"})),
		"kid as an address":         strange(with(map[string]any{"kid": "https://evil.test/"})),
		"no kid":                    strange(enc(map[string]any{"alg": "ES256", "typ": Type})),
		"unknown crit":              strange(with(map[string]any{"crit": []string{"x"}, "x": 1})),
		"changed payload":           parts[0] + "." + enc(wire()) + "." + parts[2],
		"changed signature":         raw[:len(raw)-10] + "AAAAAAAAAA",
		"no signature":              parts[0] + "." + parts[1] + ".",
		"two parts":                 parts[0] + "." + parts[1],
		"four parts":                raw + ".x",
		"five parts, as encrypted":  raw + ".x.y",
		"appended":                  raw + "A",
		"line break":                raw + "\n",
		"leading space":             " " + raw,
		"padding":                   raw + "=",
		"JSON form": `{"payload":"` + parts[1] +
			`","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"huge":                       raw + strings.Repeat("A", 1<<20),
		"compressed":                 strange(with(map[string]any{"zip": "DEF"})),
		"the signature as DER":       signedBy([]byte{0x30, 0x06, 2, 1, 1, 2, 1, 1}),
		"a signature of zeros":       signedBy(make([]byte, 64)),
		"header and payload swapped": parts[1] + "." + parts[0] + "." + parts[2],
	} {
		_, err := v.Verify(t.Context(), credential.Wrap(token), issuer, resource)
		wantInvalidToken(t, name, err)
		if err != nil && len(raw) > 40 && strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error shows the token", name)
		}
	}
}

// A token signed with a key that came after our last look makes us look
// once; a stranger's key does not make us look again and again.
func TestUnknownKeyIsLookedForOnce(t *testing.T) {
	t.Parallel()
	older, newer, strange := signing.Generate(), signing.Generate(), signing.Generate()
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(set signing.KeySet) {
		if err := os.WriteFile(path, set.Format(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(older.Public())
	reads := 0
	parse := func(data []byte) (signing.KeySet, error) { reads++; return signing.ParseKeySet(data) }
	now := begin
	v := &Verifier{Now: at(begin), Keys: keyfile.New(path, parse, &keyfile.Options{
		Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})}

	verify := func(ring signing.Ring) error {
		_, err := v.Verify(t.Context(), issue(t, ring, claims()), issuer, resource)
		return err
	}
	if err := verify(older); err != nil || reads != 1 {
		t.Fatalf("first: got %v after %d reads", err, reads)
	}
	both, err := older.Public().Add(newer.Public())
	if err != nil {
		t.Fatal(err)
	}
	write(both)
	now = now.Add(2 * time.Second)
	if err := verify(newer); err != nil || reads != 2 {
		t.Errorf("new key: got %v after %d reads, want success after 2", err, reads)
	}
	now = now.Add(2 * time.Second)
	for range 20 {
		wantInvalidToken(t, "a stranger's key", verify(strange))
	}
	if reads > 3 {
		t.Errorf("20 tokens of a stranger caused %d reads, want at most 1 more", reads-2)
	}
	if err := verify(older); err != nil {
		t.Errorf("older key: %v", err)
	}
	// A retired key is forgotten at the next look.
	write(newer.Public())
	now = now.Add(10 * time.Minute)
	_ = verify(newer)
	now = now.Add(10 * time.Minute)
	wantInvalidToken(t, "a retired key", verify(older))
}

// While the keys cannot be read again, a token of a key that we lack may be good (AT-10).
func TestAnUnknownKeyIsAFaultWhileTheKeysAreStale(t *testing.T) {
	t.Parallel()
	older, newer := signing.Generate(), signing.Generate()
	now, absent := begin, error(nil)
	v := &Verifier{Now: at(begin), Keys: keyfile.New("keys", signing.ParseKeySet, &keyfile.Options{
		Now:  func() time.Time { return now },
		Log:  slog.New(slog.NewTextHandler(t.Output(), nil)),
		Read: func(string) ([]byte, error) { return older.Public().Format(), absent },
	})}
	verify := func(ring signing.Ring) error {
		_, err := v.Verify(t.Context(), issue(t, ring, claims()), issuer, resource)
		return err
	}
	if err := verify(older); err != nil {
		t.Fatal(err)
	}
	absent = errors.New("permission denied")
	now = now.Add(2 * time.Second)
	err := verify(newer)
	if _, refusal := errors.AsType[*oauth.Error](err); !errors.Is(err, absent) || refusal {
		t.Errorf("a key that is not there: got %v, want a fault", err)
	}
	if err := verify(older); err != nil {
		t.Errorf("a key that is there: got %v, want success", err)
	}
}

// Keys that cannot be read are a fault, not a verdict (AT-10).
func TestMissingKeysAreAFault(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.NewTextHandler(t.Output(), nil))
	absent := filepath.Join(t.TempDir(), "absent")
	v := &Verifier{Keys: keyfile.New(absent, signing.ParseKeySet, &keyfile.Options{Log: quiet})}
	_, err := v.Verify(t.Context(), issue(t, signing.Generate(), claims()), issuer, resource)
	if _, refusal := errors.AsType[*oauth.Error](err); err == nil || refusal {
		t.Errorf("verify: got %v, want a fault", err)
	}
	i := &Issuer{Ring: keyfile.New(absent, signing.ParseRing, &keyfile.Options{Log: quiet}), TTL: time.Hour}
	raw, _, err := i.Issue(context.Background(), claims())
	if _, refusal := errors.AsType[*oauth.Error](err); err == nil || refusal || !raw.IsZero() {
		t.Errorf("issue: got %v, want a fault", err)
	}
}
