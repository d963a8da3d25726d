package fernet

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestEveryLengthOpensAgain(t *testing.T) {
	t.Parallel()
	ring := Keyring{GenerateKey()}
	for n := range 70 {
		want := bytes.Repeat([]byte{byte(n)}, n) // ends in bytes that look like padding
		got, key, err := ring.Decrypt(ring.Encrypt(want, noon))
		if err != nil || key != 0 || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %x, key %d, %v", n, got, key, err)
		}
	}
}

func TestSamePlaintextNeverGivesTheSameToken(t *testing.T) {
	t.Parallel()
	ring := Keyring{GenerateKey()}
	if a, b := ring.Encrypt([]byte("x"), noon), ring.Encrypt([]byte("x"), noon); a == b {
		t.Errorf("twice %s", a)
	}
}

// A token has one spelling (SC-05).
func TestTokensThatAreSpelledOtherwiseAreRefused(t *testing.T) {
	t.Parallel()
	ring := Keyring{GenerateKey()}
	token := ring.Encrypt([]byte("hello"), noon) // 73 bytes: padded with two =
	padded := strings.TrimRight(token, "=")
	if padded == token {
		t.Fatal("this token shows nothing: it has no padding")
	}
	last := strings.IndexByte(alphabet, padded[len(padded)-1])
	for name, other := range map[string]string{
		"appended text":       token + "AAAA",
		"appended padding":    token + "=",
		"appended line feed":  token + "\n",
		"a second token":      token + token,
		"line break inside":   token[:20] + "\r\n" + token[20:],
		"missing padding":     padded,
		"stray bits":          padded[:len(padded)-1] + string(alphabet[last+1]) + token[len(padded):],
		"standard base64":     strings.NewReplacer("-", "+", "_", "/").Replace(token) + " ",
		"space before":        " " + token,
		"empty":               "",
		"version alone":       "gA==",
		"another version":     "gQ" + token[2:],
		"truncated by a byte": reencode(t, token, func(b []byte) []byte { return b[:len(b)-1] }),
		"truncated to MAC":    reencode(t, token, func(b []byte) []byte { return b[len(b)-32:] }),
	} {
		if got, _, err := ring.Decrypt(other); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %q, %v, want ErrInvalid", name, got, err)
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func reencode(t *testing.T, token string, change func([]byte) []byte) string {
	t.Helper()
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	return base64.URLEncoding.EncodeToString(change(b))
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	ring := Keyring{GenerateKey()}
	token := ring.Encrypt([]byte("hello"), noon)
	size := base64.URLEncoding.DecodedLen(len(strings.TrimRight(token, "=")) / 4 * 4)
	for bit := range size * 8 {
		other := reencode(t, token, func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
		if _, _, err := ring.Decrypt(other); !errors.Is(err, ErrInvalid) {
			t.Errorf("bit %d: got %v, want ErrInvalid", bit, err)
		}
	}
}

// Spec "Verifying" steps 2 and 7, for tokens whose HMAC is right.
func TestSignedNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	key := GenerateKey()
	sealed := func(version byte, block ...byte) string {
		token := make([]byte, cipherAt, minDecoded)
		token[0] = version
		text := append(make([]byte, 16-len(block)), block...)
		cipher.NewCBCEncrypter(key.material.block, token[ivAt:cipherAt]).CryptBlocks(text, text)
		token = append(token, text...)
		return base64.URLEncoding.EncodeToString(append(token, key.mac(token)...))
	}
	for _, test := range []struct {
		name, token string
		ok          bool
	}{
		{"one byte of padding", sealed(0x80, 1), true},
		{"two bytes of padding", sealed(0x80, 2, 2), true},
		{"version 0x81", sealed(0x81, 1), false},
		{"version 0", sealed(0, 1), false},
		{"padding of none", sealed(0x80, 0), false},
		{"padding of more than a block", sealed(0x80, 17), false},
		{"padding that differs", sealed(0x80, 1, 2), false},
	} {
		if got, _, err := (Keyring{key}).Decrypt(test.token); (err == nil) != test.ok {
			t.Errorf("%s: got %x, %v, want accepted %t", test.name, got, err, test.ok)
		}
	}
}

// A body of the largest document goes through.
func TestLargePlaintext(t *testing.T) {
	t.Parallel()
	ring := Keyring{GenerateKey()}
	want := bytes.Repeat([]byte("postern "), 100_000)
	got, _, err := ring.Decrypt(ring.Encrypt(want, noon))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

// What opens was written by us: it can be made again, byte for byte, from its
// plaintext, time and IV.
func FuzzDecrypt(f *testing.F) {
	ring := Keyring{GenerateKey(), GenerateKey()}
	f.Add("", []byte(nil), uint16(0), byte(0))
	const vector = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEw" +
		"CGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
	f.Add(vector, []byte("x"), uint16(9), byte(1))
	f.Fuzz(func(t *testing.T, token string, plaintext []byte, at uint16, flip byte) {
		if _, _, err := ring.Decrypt(token); err == nil {
			t.Errorf("opened %q, which we did not write", token)
		}
		sealed := ring[1:].Encrypt(plaintext, noon)
		got, key, err := ring.Decrypt(sealed)
		if err != nil || key != 1 || !bytes.Equal(got, plaintext) {
			t.Fatalf("got %q, %d, %v, want %q by key 1", got, key, err, plaintext)
		}
		changed := []byte(sealed)
		changed[int(at)%len(changed)] ^= flip
		if _, _, err := ring.Decrypt(string(changed)); (err == nil) != (flip == 0) {
			t.Errorf("%q changed to %q: %v", sealed, changed, err)
		}
		if _, _, err := ring.Decrypt(sealed + token); err == nil && token != "" {
			t.Errorf("opened with %q appended", token)
		}
	})
}

func BenchmarkEncrypt(b *testing.B) {
	ring := Keyring{GenerateKey()}
	plaintext := make([]byte, 512)
	for b.Loop() {
		ring.Encrypt(plaintext, noon)
	}
}

func BenchmarkDecrypt(b *testing.B) {
	ring := Keyring{GenerateKey()}
	token := ring.Encrypt(make([]byte, 512), noon)
	for b.Loop() {
		if _, _, err := ring.Decrypt(token); err != nil {
			b.Fatal(err)
		}
	}
}
