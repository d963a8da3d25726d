package credential_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
)

const canary = "canary-7f3a9c"

// LG rows: a secret that is printed by accident, in any form, says nothing.
func TestSecretNeverPrintsItsValue(t *testing.T) {
	t.Parallel()
	s := credential.Wrap(canary)
	hidden := struct{ inner credential.Secret }{s}
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	log.Info("x", "s", s, "p", &s, "hidden", hidden, "list", []credential.Secret{s})
	encoded, err := json.Marshal(map[string]any{"s": s, "p": &s, "map": map[credential.Secret]int{s: 1}})
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{
		"slog":       logged.String(),
		"json":       string(encoded),
		"Sprint":     fmt.Sprint(s, &s, []credential.Secret{s}),
		"unexported": fmt.Sprintf("%v %+v %#v", hidden, hidden, hidden),
		"pointer":    fmt.Sprintf("%v %+v %#v", &hidden, &hidden, &hidden),
		"error":      fmt.Errorf("with %v", s).Error(),
		"joined":     errors.Join(fmt.Errorf("%s", s)).Error(),
	}
	for _, verb := range "vsqxXdpTtbcoUeEfgG" {
		for _, flag := range []string{"", "+", "#", "-5", ".3", "0"} {
			printed["%"+flag+string(verb)] = fmt.Sprintf("%"+flag+string(verb), s)
		}
	}
	for how, got := range printed {
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
			if strings.Contains(got, form) {
				t.Errorf("%s printed the secret: %s", how, got)
			}
		}
	}
	if got, want := fmt.Sprintf("%v|%s|%#v", s, s, s), "[redacted]|[redacted]|[redacted]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewIsPrefixAnd43Characters(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^cs_[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 100 {
		got := credential.New("cs_").Reveal()
		if !shape.MatchString(got) {
			t.Fatalf("got %q, want it to match %s", got, shape)
		}
		if seen[got] {
			t.Fatal("minted the same secret twice")
		}
		seen[got] = true
	}
}

func TestSecretEqualsItsOwnHashOnly(t *testing.T) {
	t.Parallel()
	s := credential.New("")
	for name, test := range map[string]struct {
		secret credential.Secret
		hash   string
		want   bool
	}{
		"own hash":                        {s, s.Hash(), true},
		"hash of the same text":           {credential.Wrap(s.Reveal()), s.Hash(), true},
		"other secret":                    {credential.New(""), s.Hash(), false},
		"empty hash":                      {s, "", false},
		"the value itself":                {s, s.Reveal(), false},
		"truncated hash":                  {s, s.Hash()[:42], false},
		"zero secret, hash of nothing":    {credential.Secret{}, credential.Hash(""), false},
		"wrapped nothing is zero":         {credential.Wrap(""), credential.Hash(""), false},
		"zero secret and an unset record": {credential.Secret{}, "", false},
	} {
		if got := test.secret.Equal(test.hash); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
	if !credential.Wrap("").IsZero() || s.IsZero() {
		t.Error("IsZero is wrong")
	}
}

// RFC 7636 appendix B: the S256 challenge is the same function as Hash.
func TestHashAgreesWithRFC7636AppendixB(t *testing.T) {
	t.Parallel()
	got := credential.Hash("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	if want := "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// RFC 4231 §4.3's text under a key of the length Derive takes; the expected
// value was computed with Python's hmac.
func TestDeriveIsHMACSHA256(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	got := credential.Derive(key, "what do ya want for nothing?")
	if want := "E35lV8PBOhyl3H5So4mg-Gvoy020rmHGI5YFiwCsrNA"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if again := credential.Derive(key, "what do ya want for nothing?"); got != again {
		t.Errorf("derived %s, then %s", got, again)
	}
	if got == credential.Derive(key, "other") || got == credential.Derive(key[1:], "what do ya want for nothing?") {
		t.Error("another label or key gives the same value")
	}
}

func TestDeriveRefusesAGuessableKey(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("derived from a key of 15 bytes")
		}
	}()
	credential.Derive(make([]byte, 15), "code")
}

// A value has one spelling, whatever base64 decoders let through (SC-05).
func TestDecodeTakesOneSpellingOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in string
		n        int
		ok       bool
	}{
		{"canonical", "AQID", 3, true},
		{"canonical with a short tail", "AQ", 1, true},
		{"nothing of nothing", "", 0, true},
		{"url alphabet", "-_-_", 3, true},
		{"trailing bits", "AR", 1, false},
		{"padding", "AQ==", 1, false},
		{"standard alphabet", "+/+/", 3, false},
		{"line feed inside", "AQ\nID", 3, false},
		{"line feed at the end", "AQID\n", 3, false},
		{"line feed in place of data", "AQI\n", 3, false},
		{"carriage return", "AQID\r", 3, false},
		{"too short", "AQI", 3, false},
		{"too long", "AQIDBA", 3, false},
		{"appended", "AQIDAQID", 3, false},
		{"space", "AQ D", 3, false},
		{"negative size", "", -1, false},
	} {
		got, err := credential.Decode(test.in, test.n)
		if (err == nil) != test.ok {
			t.Errorf("%s: got error %v, want accepted %t", test.name, err, test.ok)
		}
		if err == nil && credential.Encode(got) != test.in {
			t.Errorf("%s: got %q back, want %q", test.name, credential.Encode(got), test.in)
		}
		if err != nil && got != nil {
			t.Errorf("%s: refused, and still gave %q", test.name, got)
		}
	}
}

func TestDecodeErrorsDoNotQuoteTheInput(t *testing.T) {
	t.Parallel()
	if _, err := credential.Decode(canary, 32); strings.Contains(err.Error(), canary) {
		t.Errorf("error quotes its input: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("AQID", 3)
	f.Add("AQ\nID", 3)
	f.Add("AR", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		b, err := credential.Decode(s, n)
		if err != nil {
			return
		}
		if len(b) != n || credential.Encode(b) != s {
			t.Errorf("%q decodes to %d bytes %q, which encode to %q", s, len(b), b, credential.Encode(b))
		}
	})
}

func ExampleSecret() {
	secret := credential.New("cs_") // shown to the client once
	stored := secret.Hash()         // all that is kept
	presented := credential.Wrap(secret.Reveal())
	fmt.Println(presented, presented.Equal(stored))
	// Output: [redacted] true
}
