package fernet_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/fernet"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// What a key file may and may not hold (SC-06).
func TestParseKeyringIsStrict(t *testing.T) {
	t.Parallel()
	a, b := fernet.GenerateKey().Encode(), fernet.GenerateKey().Encode()
	for _, test := range []struct {
		name, data string
		want       int    // keys
		err        string // part of the message
	}{
		{"one key", a, 1, ""},
		{"one key, trailing newline", a + "\n", 1, ""},
		{"two keys", a + "\n" + b + "\n", 2, ""},
		{"CRLF", a + "\r\n" + b + "\r\n", 2, ""},
		{"comments and blank lines", "# new\n" + a + "\n\n# old\n" + b + "\n\n", 2, ""},
		{"empty", "", 0, "no Fernet key"},
		{"comments only", "# nothing\n", 0, "no Fernet key"},
		{"short", a + "\n" + b[:43], 0, "line 2: a Fernet key has 44 characters, this has 43"},
		{"long", a + "=", 0, "line 1: "},
		{"space before", " " + a, 0, "line 1: "},
		{"space after", a + " ", 0, "line 1: "},
		{"byte order mark", "\ufeff" + a, 0, "line 1: "},
		{"comment behind a key", a + " # new", 0, "line 1: "},
		{"two keys on a line", a + "," + b, 0, "line 1: "},
		{"passphrase of 44 characters", strings.Repeat("pass", 11), 0, "line 1: "},
		{"without padding", a[:43] + "A", 0, "line 1: "},
		{"stray bits", strings.Repeat("A", 42) + "B=", 0, "line 1: "},
		{"standard base64", strings.Repeat("+", 42) + "8=", 0, "line 1: "},
		{"all zeros", "# test\n" + strings.Repeat("A", 43) + "=", 0, "line 2: this Fernet key is all zeros"},
		{"duplicate", a + "\n\n" + b + "\n" + a, 0, "line 4: the same key as on line 1"},
		{"NUL inside", a[:20] + "\x00" + a[21:], 0, "line 1: "},
	} {
		ring, err := fernet.ParseKeyring([]byte(test.data))
		if len(ring) != test.want || (err == nil) != (test.err == "") {
			t.Errorf("%s: got %d keys, %v, want %d keys, error %q", test.name, len(ring), err, test.want, test.err)
			continue
		}
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %q, want %q in it", test.name, err, test.err)
		}
		for _, key := range []string{a[:20], b[:20]} {
			if strings.Contains(err.Error(), key) {
				t.Errorf("%s: the error quotes a key: %v", test.name, err)
			}
		}
	}
}

func TestFirstKeyWritesAndAllRead(t *testing.T) {
	t.Parallel()
	a, b := fernet.GenerateKey(), fernet.GenerateKey()
	old := fernet.Keyring{a}
	both := fernet.Keyring{b, a}
	if _, key, err := both.Decrypt(old.Encrypt(nil, noon)); err != nil || key != 1 {
		t.Errorf("old token in the new ring: got key %d, %v, want key 1", key, err)
	}
	if _, key, err := both.Decrypt(both.Encrypt(nil, noon)); err != nil || key != 0 {
		t.Errorf("new token in the new ring: got key %d, %v, want key 0", key, err)
	}
	if _, _, err := old.Decrypt(both.Encrypt(nil, noon)); !errors.Is(err, fernet.ErrInvalid) {
		t.Errorf("new token in the old ring: got %v, want ErrInvalid", err)
	}
}

// The three steps of a rotation, each of which keeps the ring before it as it was (SC-07).
func TestRotationStepsChangeACopy(t *testing.T) {
	t.Parallel()
	a, b := fernet.GenerateKey(), fernet.GenerateKey()
	names := func(keys ...fernet.Key) string { return fernet.Keyring(keys).Describe() }
	ring := fernet.Keyring{a}
	staged, err := ring.Stage(b)
	if err != nil || staged.Describe() != names(a, b) {
		t.Fatalf("staged: got %s, %v, want %s", staged.Describe(), err, names(a, b))
	}
	promoted, err := staged.Promote(b.Fingerprint())
	if err != nil || promoted.Describe() != names(b, a) {
		t.Fatalf("promoted: got %s, %v, want %s", promoted.Describe(), err, names(b, a))
	}
	retired, err := promoted.Retire(a.Fingerprint())
	if err != nil || retired.Describe() != names(b) {
		t.Fatalf("retired: got %s, %v, want %s", retired.Describe(), err, names(b))
	}
	if ring.Describe() != names(a) || staged.Describe() != names(a, b) || promoted.Describe() != names(b, a) {
		t.Errorf("an earlier ring changed: %s, %s, %s", ring.Describe(), staged.Describe(), promoted.Describe())
	}
	three := fernet.Keyring{a, b, fernet.GenerateKey()}
	before := three.Describe()
	if _, err := three.Retire(b.Fingerprint()); err != nil || three.Describe() != before {
		t.Errorf("retiring from %s left %s, %v", before, three.Describe(), err)
	}
	if _, err := staged.Stage(a); err == nil {
		t.Error("staged a key twice")
	}
	if _, err := promoted.Retire(b.Fingerprint()); err == nil {
		t.Error("retired the writing key")
	}
	if _, err := ring.Promote("00000000"); !errors.Is(err, fernet.ErrNoKey) {
		t.Errorf("promote an unknown key: got %v, want ErrNoKey", err)
	}
	if _, err := ring.Retire("00000000"); !errors.Is(err, fernet.ErrNoKey) {
		t.Errorf("retire an unknown key: got %v, want ErrNoKey", err)
	}
}

func TestKeysPrintAsFingerprints(t *testing.T) {
	t.Parallel()
	key := fernet.GenerateKey()
	hidden := struct{ ring fernet.Keyring }{fernet.Keyring{key}}
	encoded, err := json.Marshal(map[string]any{"k": key, "r": hidden.ring})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "k", key, "r", hidden.ring, "h", hidden)
	for _, got := range []string{
		fmt.Sprintf("%v %+v %#v", key, key, key), fmt.Sprintf("%v %+v %#v", hidden, hidden, hidden),
		fmt.Sprintf("%s %x", key, hidden.ring), string(encoded), logged.String(),
	} {
		named := strings.Contains(got, key.Fingerprint()) || strings.Contains(got, "0x")
		if strings.Contains(got, key.Encode()[:16]) || !named {
			t.Errorf("got %s, want nothing but the fingerprint", got)
		}
	}
	if got := len(key.Fingerprint()); got != 8 {
		t.Errorf("got a fingerprint of %d characters, want 8", got)
	}
}

// What parses is written again as a ring that is the same.
func FuzzParseKeyring(f *testing.F) {
	f.Add([]byte(fernet.GenerateKey().Encode()))
	f.Add([]byte("# x\n\ncw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ring, err := fernet.ParseKeyring(data)
		if err != nil {
			return
		}
		for _, key := range ring {
			if !strings.Contains(string(data), key.Encode()) {
				t.Errorf("read a key from another spelling of it: %q", data)
			}
		}
		again, err := fernet.ParseKeyring(ring.Format())
		if err != nil || again.Describe() != ring.Describe() {
			t.Errorf("got %s, %v, want %s", again.Describe(), err, ring.Describe())
		}
	})
}

func ExampleKeyring() {
	first := fernet.Keyring{fernet.GenerateKey()}
	sealed := first.Encrypt([]byte("hello"), time.Now())

	next := fernet.GenerateKey()
	ring, _ := first.Stage(next)
	ring, _ = ring.Promote(next.Fingerprint())
	plaintext, key, err := ring.Decrypt(sealed)
	fmt.Printf("%s, by key %d, %v\n", plaintext, key, err)
	// Output: hello, by key 1, <nil>
}
