package signing_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/signing"
)

// members returns the first key of a JWK Set as its members.
func members(t *testing.T, jwks []byte) map[string]any {
	t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys[0]
}

// setOf returns the JWK Set of keys, each changed a little.
func setOf(t *testing.T, keys ...map[string]any) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// with returns the members with one set, or deleted if the value is nil.
func with(m map[string]any, name string, value any) map[string]any {
	changed := map[string]any{}
	maps.Copy(changed, m)
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

func jwk(t *testing.T, key any) map[string]any {
	t.Helper()
	data, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "foreign"})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// foreign returns keys of other kinds.
func foreign(t *testing.T) (p384 *ecdsa.PrivateKey, rsa2048 *rsa.PrivateKey) {
	t.Helper()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err = rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return p384, rsa2048
}

type setTest struct {
	name, data, err string // err is part of the message, empty if it parses
}

func (test setTest) check(t *testing.T, err error, secret string) {
	t.Helper()
	if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
		t.Errorf("%s: got %v, want %q", test.name, err, test.err)
	}
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("%s: the error quotes a key: %v", test.name, err)
	}
}

// What a ring of signing keys may and may not hold (SC-06): a key without its private member, above
// all.
func TestParseRingIsStrict(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	a, b := members(t, ring.Format()), members(t, signing.Generate().Format())
	public := members(t, ring.Public().Format())
	p384, rsa2048 := foreign(t)
	for _, test := range []setTest{
		{"as written", string(ring.Format()), ""},
		{"trailing newline", string(ring.Format()) + "\n", ""},
		{"two keys", setOf(t, a, b), ""},
		{"bare key", setOf(t, map[string]any{"kty": "EC", "crv": "P-256", "x": a["x"], "y": a["y"], "d": a["d"]}), ""},
		{"empty file", "", "not a JWK Set"},
		{"not JSON", "-----BEGIN EC PRIVATE KEY-----", "not a JWK Set"},
		{"two sets", string(ring.Format()) + string(ring.Format()), "not a JWK Set"},
		{"no keys", `{"keys":[]}`, "without keys"},
		{"no set", setOf(t)[1:], "not a JWK Set"},
		{"one key, not a set", string(must(json.Marshal(a))), "without keys"},
		{"keys is null", `{"keys":null}`, "without keys"},
		{"key is null", `{"keys":[null]}`, "key 1: "},
		{"public key", setOf(t, a, public), "key 2: a public key"},
		{"kid not its thumbprint", setOf(t, with(a, "kid", "prod-1")), "key 1: its kid is not"},
		{"kid of another", setOf(t, with(a, "kid", b["kid"])), "key 1: its kid is not"},
		{"comes twice", setOf(t, a, b, a), "key 3: comes twice"},
		{"comes twice without kid", setOf(t, a, with(a, "kid", nil)), "key 2: comes twice"},
		{"d of another", setOf(t, with(a, "d", b["d"])), "key 1: its private and public halves"},
		{"y of another", setOf(t, with(a, "y", b["y"])), "key 1: not a valid EC P-256 key"},
		{"d is zero", setOf(t, with(a, "d", strings.Repeat("A", 43))), "key 1: its private and public halves"},
		{"d is short", setOf(t, with(a, "d", a["d"].(string)[:40])), "key 1: not a valid EC P-256 key"},
		{"D in upper case", setOf(t, with(with(a, "D", a["d"]), "d", nil)), "key 1: "},
		{"algorithm ES384", setOf(t, with(a, "alg", "ES384")), "key 1: for another algorithm or use"},
		{"use enc", setOf(t, with(a, "use", "enc")), "key 1: for another algorithm or use"},
		{"P-384", setOf(t, jwk(t, p384)), "key 1: not an EC P-256 key"},
		{"RSA", setOf(t, jwk(t, rsa2048)), "key 1: not an EC P-256 key"},
		{"symmetric", setOf(t, map[string]any{"kty": "oct", "k": a["d"]}), "key 1: not an EC P-256 key"},
		{"unknown kind", setOf(t, map[string]any{"kty": "X", "d": a["d"]}), "key 1: not a valid EC P-256 key"},
		{"certificates", setOf(t, with(a, "x5c", []string{"AA=="})), "key 1: has certificates"},
	} {
		_, err := signing.ParseRing([]byte(test.data))
		test.check(t, err, a["d"].(string))
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// What may be published (RG-08, SC-06).
func TestParseKeySetIsStrict(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	private := members(t, ring.Format())
	a, b := members(t, ring.Public().Format()), members(t, signing.Generate().Public().Format())
	p384, rsa2048 := foreign(t)
	for _, test := range []setTest{
		{"as written", string(ring.Public().Format()), ""},
		{"two keys", setOf(t, a, b), ""},
		{"kid of their own", setOf(t, with(a, "kid", "prod-1")), ""},
		{"without alg and use", setOf(t, with(with(a, "alg", nil), "use", nil)), ""},
		{"empty", `{"keys":[]}`, "without keys"},
		{"empty file", "", "not a JWK Set"},
		{"private key", string(ring.Format()), "key 1: has private members"},
		{"second key private", setOf(t, b, private), "key 2: has private members"},
		{"private member in upper case", setOf(t, with(a, "D", private["d"])), "key 1: has private members"},
		{"private member of RSA", setOf(t, with(a, "dp", "AA")), "key 1: has private members"},
		{"symmetric", setOf(t, map[string]any{"kty": "oct", "k": private["d"], "kid": "x"}),
			"key 1: has private members"},
		{"no kid", setOf(t, with(a, "kid", nil)), "key 1: want a kid"},
		{"empty kid", setOf(t, with(a, "kid", "")), "key 1: want a kid"},
		{"long kid", setOf(t, with(a, "kid", strings.Repeat("k", 129))), "key 1: want a kid"},
		{"kid twice", setOf(t, a, with(b, "kid", a["kid"])), "key 2: another key has the same kid"},
		{"same key twice", setOf(t, a, a), "key 2: another key has the same kid"},
		{"algorithm HS256", setOf(t, with(a, "alg", "HS256")), "key 1: for another algorithm or use"},
		{"algorithm none", setOf(t, with(a, "alg", "none")), "key 1: for another algorithm or use"},
		{"P-384", setOf(t, jwk(t, &p384.PublicKey)), "key 1: not an EC P-256 key"},
		{"RSA", setOf(t, jwk(t, &rsa2048.PublicKey)), "key 1: not an EC P-256 key"},
		{"not on the curve", setOf(t, with(a, "y", b["y"])), "key 1: not a valid EC P-256 key"},
		{"member twice", strings.Replace(string(ring.Public().Format()), `"kty":"EC"`, `"kty":"EC","kty":"EC"`, 1),
			"key 1: not a JSON object, or one with a member twice"},
	} {
		_, err := signing.ParseKeySet([]byte(test.data))
		test.check(t, err, private["d"].(string))
	}
}

func TestRingsAndSetsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	ring, err := signing.Generate().Stage(signing.Generate())
	if err != nil {
		t.Fatal(err)
	}
	again, err := signing.ParseRing(ring.Format())
	if err != nil || cmp.Diff(ring.KIDs(), again.KIDs()) != "" {
		t.Errorf("ring: got %v, %v, want %v", again, err, ring)
	}
	set, err := signing.ParseKeySet(ring.Public().Format())
	if err != nil || cmp.Diff(ring.KIDs(), set.KIDs()) != "" {
		t.Errorf("set: got %v, %v, want %v", set.KIDs(), err, ring.KIDs())
	}
	token, err := again.Sign("at+jwt", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Verify("at+jwt", token); err != nil {
		t.Errorf("signed by the ring as read, verified by the set as read: %v", err)
	}
}

func TestPublishedKeysHaveTheseMembersOnly(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	got := members(t, ring.Public().Format())
	want := map[string]any{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": ring.KIDs()[0], "x": got["x"], "y": got["y"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The kid is the RFC 7638 thumbprint. The key is that of RFC 7517 appendix A.2;
// the thumbprint was computed with Python's hashlib.
func TestKIDIsTheThumbprint(t *testing.T) {
	t.Parallel()
	ring, err := signing.ParseRing([]byte(`{"keys":[{"kty":"EC","crv":"P-256",
		"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
		"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
		"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ring.KIDs()[0], "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Stage, promote, retire: no token fails on the way.
func TestRotationWithoutAFailedToken(t *testing.T) {
	t.Parallel()
	first, next := signing.Generate(), signing.Generate()
	older, newer := first.KIDs()[0], next.KIDs()[0]
	step := func(ring signing.Ring, err error) signing.Ring {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	token := func(r signing.Ring) string { s, _ := r.Sign("at+jwt", 1); return s }
	staged := step(first.Stage(next))
	promoted := step(staged.Promote(newer))
	retired := step(promoted.Retire(older))
	both, err := first.Public().Add(next.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		set   signing.KeySet
		token string
		want  error
	}{
		"staged signs with the older":        {first.Public(), token(staged), nil},
		"promoted signs with the newer":      {next.Public(), token(promoted), nil},
		"both verify the older":              {both, token(staged), nil},
		"both verify the newer":              {both, token(retired), nil},
		"a set that has not heard of it yet": {first.Public(), token(promoted), signing.ErrUnknownKey},
		"a set after the end":                {retired.Public(), token(first), signing.ErrUnknownKey},
	} {
		if _, err := test.set.Verify("at+jwt", test.token); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if got, want := first.Describe(), older; got != want {
		t.Errorf("the first ring changed to %s, want %s", got, want)
	}
}

func TestRotationStepsThatWouldBreakAreRefused(t *testing.T) {
	t.Parallel()
	ring, set := signing.Generate(), signing.Generate().Public()
	kid := ring.KIDs()[0]
	again := members(t, set.Format())
	impostor, err := signing.ParseKeySet([]byte(setOf(t, with(again, "kid", kid))))
	if err != nil {
		t.Fatal(err)
	}
	errs := map[string]error{}
	_, errs["stage twice"] = ring.Stage(ring)
	_, errs["retire the signing key"] = ring.Retire(kid)
	_, errs["remove the last public key"] = set.Without(set.KIDs()[0])
	_, errs["another key under a kid"] = ring.Public().Add(impostor)
	_, errs["sign with no key"] = signing.Ring{}.Sign("at+jwt", 1)
	_, errs["claims that do not marshal"] = ring.Sign("at+jwt", func() {})
	for name, err := range errs {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	unknown := map[string]error{}
	_, unknown["promote"] = ring.Promote("x")
	_, unknown["retire"] = ring.Retire("x")
	_, unknown["remove"] = set.Without("x")
	for name, err := range unknown {
		if !errors.Is(err, signing.ErrNoKey) {
			t.Errorf("%s: got %v, want ErrNoKey", name, err)
		}
	}
	if same, err := set.Add(set); err != nil || len(same.KIDs()) != 1 {
		t.Errorf("add what is there: got %v, %v, want the same set", same.KIDs(), err)
	}
}

func TestRingsPrintAsKIDs(t *testing.T) {
	t.Parallel()
	ring := signing.Generate()
	d := members(t, ring.Format())["d"].(string)
	hidden := struct{ ring signing.Ring }{ring}
	encoded, err := json.Marshal(map[string]any{"r": ring, "h": hidden})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "r", ring, "h", hidden)
	for _, got := range []string{
		fmt.Sprintf("%v %+v %#v %s", ring, ring, ring, ring), fmt.Sprintf("%v %+v %#v", hidden, hidden, hidden),
		string(encoded), logged.String(),
	} {
		if strings.Contains(got, d) || strings.Contains(got, "D:") {
			t.Errorf("got %s, want nothing of the key", got)
		}
	}
}

// What parses is written again as a set that is the same, and holds no private
// half.
func FuzzParseKeySet(f *testing.F) {
	f.Add(signing.Generate().Public().Format())
	f.Add(signing.Generate().Format())
	f.Add([]byte(`{"keys":[{"kty":"EC"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if ring, err := signing.ParseRing(data); err == nil {
			if again, err := signing.ParseRing(ring.Format()); err != nil || again.Describe() != ring.Describe() {
				t.Errorf("got %s, %v, want %s", again, err, ring)
			}
		}
		set, err := signing.ParseKeySet(data)
		if err != nil {
			return
		}
		again, err := signing.ParseKeySet(set.Format())
		if err != nil || string(again.Format()) != string(set.Format()) {
			t.Errorf("got %s, %v, want %s", again.Format(), err, set.Format())
		}
	})
}

func ExampleRing() {
	ring := signing.Generate()                            // token's
	set, _ := signing.ParseKeySet(ring.Public().Format()) // what /mcp reads
	token, _ := ring.Sign("at+jwt", map[string]string{"sub": "github:583231"})
	payload, err := set.Verify("at+jwt", token)
	fmt.Println(payload, err)
	// Output: {"sub":"github:583231"} <nil>
}

// A coordinate or key id may begin with x5, which is also how the names of certificate
// members begin.
func TestRingReadsWhatItWritesWhateverTheKey(t *testing.T) {
	t.Parallel()
	likeCertificates := regexp.MustCompile(`(?i)"x5`)
	for seen := 0; seen < 3; {
		ring := signing.Generate()
		for _, text := range [][]byte{ring.Format(), ring.Public().Format()} {
			if likeCertificates.Match(text) {
				seen++
			}
		}
		if _, err := signing.ParseRing(ring.Format()); err != nil {
			t.Fatalf("parse a ring that was just written: %v", err)
		}
		if _, err := signing.ParseKeySet(ring.Public().Format()); err != nil {
			t.Fatalf("parse a key set that was just written: %v", err)
		}
	}
}
