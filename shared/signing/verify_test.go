package signing

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// craft signs any header and payload with ES256.
func craft(t testing.TB, key *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, signatureSize)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature)
}

const claims = `{"sub":"github:1"}`

func sign(t testing.TB, r Ring) string {
	t.Helper()
	token, err := r.Sign("at+jwt", map[string]string{"sub": "github:1"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignedTokensVerify(t *testing.T) {
	t.Parallel()
	ring := Generate()
	token, set := sign(t, ring), ring.Public()
	for _, how := range []string{"checked", "remembered", "remembered again"} {
		payload, err := set.Verify("at+jwt", token)
		if err != nil || payload != claims {
			t.Fatalf("%s: got %s, %v, want %s", how, payload, err, claims)
		}
	}
	header, _ := decode(strings.Split(token, ".")[0])
	want := fmt.Sprintf(`{"alg":"ES256","kid":"%s","typ":"at+jwt"}`, ring.KIDs()[0])
	if got := string(header); got != want {
		t.Errorf("got header %s, want %s", got, want)
	}
}

// What a header may say (AT-06). Every row but the accepted ones is signed properly by our own key,
// so that only the named defence refuses it.
func TestHeadersThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	ring, stranger := Generate(), Generate()
	kid, key := ring.KIDs()[0], ring.keys[0].key
	jwk, err := describeKey(&stranger.keys[0].key.PublicKey, "").MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, header string
		want         error
	}{
		{"ours", `{"alg":"ES256","kid":"$KID","typ":"at+jwt"}`, nil},
		{"embedded key ignored", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","jwk":` + string(jwk) + `}`, nil},
		{"key address ignored", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","jku":"https://evil.example/jwks"}`, nil},
		{"certificate address ignored", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","x5u":"https://evil.example/x"}`,
			nil},
		{"no alg", `{"kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg none", `{"alg":"none","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg none under an unknown kid", `{"alg":"none","kid":"x","typ":"at+jwt"}`, ErrInvalid},
		{"alg None", `{"alg":"None","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg in lower case", `{"alg":"es256","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg HS256", `{"alg":"HS256","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg RS256", `{"alg":"RS256","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg ES384", `{"alg":"ES384","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"alg twice", `{"alg":"none","alg":"ES256","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"member in upper case", `{"ALG":"ES256","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"no typ", `{"alg":"ES256","kid":"$KID"}`, ErrInvalid},
		{"typ JWT", `{"alg":"ES256","kid":"$KID","typ":"JWT"}`, ErrInvalid},
		{"typ of another kind", `{"alg":"ES256","kid":"$KID","typ":"logout+jwt"}`, ErrInvalid},
		{"typ in upper case", `{"alg":"ES256","kid":"$KID","typ":"AT+JWT"}`, ErrInvalid},
		{"typ a list", `{"alg":"ES256","kid":"$KID","typ":["at+jwt"]}`, ErrInvalid},
		{"no kid", `{"alg":"ES256","typ":"at+jwt"}`, ErrInvalid},
		{"kid a number", `{"alg":"ES256","kid":1,"typ":"at+jwt"}`, ErrInvalid},
		{"kid a path", `{"alg":"ES256","kid":"../../dev/null","typ":"at+jwt"}`, ErrUnknownKey},
		{"kid a URL", `{"alg":"ES256","kid":"https://evil.example/jwks","typ":"at+jwt"}`, ErrUnknownKey},
		{"kid of a stranger", `{"alg":"ES256","kid":"` + stranger.KIDs()[0] + `","typ":"at+jwt"}`, ErrUnknownKey},
		{"crit unknown", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","crit":["x"],"x":1}`, ErrInvalid},
		{"crit known to libraries", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","crit":["b64"],"b64":true}`,
			ErrInvalid},
		{"crit empty", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","crit":[]}`, ErrInvalid},
		{"crit null", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","crit":null}`, ErrInvalid},
		{"b64 alone", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","b64":false}`, ErrInvalid},
		{"compressed", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","zip":"DEF"}`, ErrInvalid},
		{"encrypted", `{"alg":"dir","enc":"A128GCM","kid":"$KID","typ":"at+jwt"}`, ErrInvalid},
		{"not JSON", `alg=ES256`, ErrInvalid},
		{"a list", `["ES256"]`, ErrInvalid},
		{"null", `null`, ErrInvalid},
		{"text behind it", `{"alg":"ES256","kid":"$KID","typ":"at+jwt"} x`, ErrInvalid},
	} {
		token := craft(t, key, strings.ReplaceAll(test.header, "$KID", kid), claims)
		payload, err := ring.Public().Verify("at+jwt", token)
		if !errors.Is(err, test.want) || (err == nil) != (payload == claims) {
			t.Errorf("%s: got %q, %v, want %v", test.name, payload, err, test.want)
		}
	}
}

// No key but ours, and no key used as another kind of key (AT-06).
func TestSignaturesThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	ring, stranger := Generate(), Generate()
	kid := ring.KIDs()[0]
	head := `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`
	good := sign(t, ring)
	parts := strings.Split(good, ".")
	signature, _ := decode(parts[2])
	public, err := x509.MarshalPKIXPublicKey(&ring.keys[0].key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := describeKey(&stranger.keys[0].key.PublicKey, "").MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"a stranger's key under our kid": craft(t, stranger.keys[0].key, head, claims),
		"a stranger's key in the header": craft(t, stranger.keys[0].key,
			`{"alg":"ES256","kid":"`+kid+`","typ":"at+jwt","jwk":`+string(jwk)+`}`, claims),
		"HMAC with the public key": hmacToken(public, `{"alg":"HS256","kid":"`+kid+`","typ":"at+jwt"}`),
		"HMAC with the key set": hmacToken(ring.Public().Format(),
			`{"alg":"HS256","kid":"`+kid+`","typ":"at+jwt"}`),
		"unsigned":             encode([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"signature missing":    parts[0] + "." + parts[1] + ".",
		"signature of zeros":   parts[0] + "." + parts[1] + "." + encode(make([]byte, 64)),
		"signature too short":  parts[0] + "." + parts[1] + "." + encode(signature[:63]),
		"signature too long":   parts[0] + "." + parts[1] + "." + encode(append(signature[:64:64], 0)),
		"other payload":        parts[0] + "." + encode([]byte(`{"sub":"github:2"}`)) + "." + parts[2],
		"payload missing":      parts[0] + ".." + parts[2],
		"two parts":            parts[0] + "." + parts[1],
		"four parts":           good + ".x",
		"five parts, as a JWE": good + ".x.x",
		"JSON serialisation": `{"payload":"` + parts[1] +
			`","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"empty":                       "",
		"dots":                        "..",
		"line feed":                   good + "\n",
		"line feed inside":            good[:10] + "\n" + good[10:],
		"space":                       " " + good,
		"padding":                     good + "==",
		"stray bits in the signature": good[:len(good)-1] + strayBit(good[len(good)-1]),
	} {
		if payload, err := ring.Public().Verify("at+jwt", token); err != ErrInvalid || payload != "" {
			t.Errorf("%s: got %q, %v, want ErrInvalid", name, payload, err)
		}
	}
}

func hmacToken(key []byte, header string) string {
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// strayBit returns the next character: 64 bytes leave four bits of the last one
// unused, so it stands for the same bytes.
func strayBit(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)+1])
}

// The size cap comes before any parsing, and what is just below passes (AT-06).
func TestTokensAboveTheCapAreNotLookedAt(t *testing.T) {
	t.Parallel()
	ring := Generate()
	token := func(size int) string {
		signed, err := ring.Sign("at+jwt", strings.Repeat("x", size))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for _, test := range []struct {
		size int
		want error
	}{{5900, nil}, {6200, ErrInvalid}} {
		signed := token(test.size)
		if (len(signed) <= MaxToken) != (test.want == nil) {
			t.Fatalf("a payload of %d gives a token of %d", test.size, len(signed))
		}
		if _, err := ring.Public().Verify("at+jwt", signed); err != test.want {
			t.Errorf("%d bytes: got %v, want %v", len(signed), err, test.want)
		}
	}
	if _, err := ring.Public().Verify("at+jwt", strings.Repeat(".", 1<<20)); err != ErrInvalid {
		t.Errorf("a megabyte of dots: got %v, want ErrInvalid", err)
	}
}

// A remembered token is remembered for its own typ and its own set only.
func TestMemoryNeverWidensWhatVerifies(t *testing.T) {
	t.Parallel()
	ring, next := Generate(), Generate()
	token, set := sign(t, ring), ring.Public()
	if _, err := set.Verify("at+jwt", token); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Verify("logout+jwt", token); err != ErrInvalid {
		t.Errorf("another typ: got %v, want ErrInvalid", err)
	}
	both, err := set.Add(next.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Verify("at+jwt", token); err != nil {
		t.Fatal(err)
	}
	without, err := both.Without(ring.KIDs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := without.Verify("at+jwt", token); err != ErrUnknownKey {
		t.Errorf("key removed: got %v, want ErrUnknownKey", err)
	}
	if _, err := (KeySet{}).Verify("at+jwt", token); err != ErrUnknownKey {
		t.Errorf("zero set: got %v, want ErrUnknownKey", err)
	}
}

func TestSigningAndVerifyingSideBySide(t *testing.T) {
	t.Parallel()
	ring := Generate()
	set := ring.Public()
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := range 20 {
				typ := fmt.Sprintf("t%d+jwt", i%3)
				want := fmt.Sprintf(`"%d %d"`, w, i)
				token, err := ring.Sign(typ, want[1:len(want)-1])
				if err != nil {
					t.Error(err)
				}
				if got, err := set.Verify(typ, token); err != nil || got != want {
					t.Errorf("got %s, %v, want %s", got, err, want)
				}
			}
		})
	}
	workers.Wait()
}

// What verifies is a token that our key signed, with the header and the payload
// that the library reads from it, too.
func FuzzVerify(f *testing.F) {
	ring := Generate()
	set, kid, key := ring.Public(), ring.KIDs()[0], ring.keys[0].key
	f.Add("", `{"alg":"ES256","kid":"$KID","typ":"at+jwt"}`, claims)
	f.Add("a.b.c", `{"alg":"ES256","kid":"$KID","typ":"at+jwt","crit":["x"]}`, "")
	f.Add("..", `{"alg":"none"}`, "{}")
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		if got, err := set.Verify("at+jwt", token); err == nil {
			t.Errorf("verified %q, which we did not sign: %q", token, got)
		}
		signed := craft(t, key, strings.ReplaceAll(header, "$KID", kid), payload)
		got, err := set.Verify("at+jwt", signed)
		if err != nil {
			return
		}
		parsed, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatalf("verified %q, which does not parse: %v", header, err)
		}
		protected := parsed.Signatures[0].Protected
		if got != payload || protected.KeyID != kid || protected.ExtraHeaders[jose.HeaderType] != "at+jwt" {
			t.Errorf("verified %q with payload %q as %q", header, payload, got)
		}
		if got, err := set.Verify("at+jwt", signed+token); err == nil && token != "" {
			t.Errorf("verified with %q appended: %q", token, got)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	ring := Generate()
	for b.Loop() {
		sign(b, ring)
	}
}

func BenchmarkVerify(b *testing.B) {
	ring := Generate()
	token := sign(b, ring)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if _, err := (KeySet{keys: ring.Public().keys}).Verify("at+jwt", token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		set := ring.Public()
		for b.Loop() {
			if _, err := set.Verify("at+jwt", token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare ECDSA", func(b *testing.B) {
		sum := sha256.Sum256([]byte(token))
		r, s, _ := ecdsa.Sign(rand.Reader, ring.keys[0].key, sum[:])
		for b.Loop() {
			ecdsa.Verify(&ring.keys[0].key.PublicKey, sum[:], r, s)
		}
	})
}
