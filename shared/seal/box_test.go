package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/seal"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	here = seal.Label{Purpose: "record", Collection: "grants", Document: strings.Repeat("d", 43), Field: "body"}
)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func box(ring ...fernet.Key) *seal.Box {
	return seal.NewBox(keyfile.Static(fernet.Keyring(ring)), at(noon))
}

func mustSeal(t testing.TB, b *seal.Box, l seal.Label, payload string) string {
	t.Helper()
	sealed, err := b.Seal(t.Context(), l, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedOpensInItsOwnPlace(t *testing.T) {
	t.Parallel()
	b := box(fernet.GenerateKey())
	for _, want := range []string{"", "x", "\x01\x06record", strings.Repeat("long ", 10_000)} {
		got, err := b.Open(t.Context(), here, mustSeal(t, b, here, want))
		if err != nil || string(got) != want {
			t.Errorf("got %.20q, %v, want %.20q", got, err, want)
		}
	}
}

// An envelope moved to another purpose, collection, document or field does not open (SC-01).
func TestSealedOpensNowhereElse(t *testing.T) {
	t.Parallel()
	b := box(fernet.GenerateKey())
	sealed := mustSeal(t, b, here, "payload")
	for name, move := range map[string]func(*seal.Label){
		"another purpose":           func(l *seal.Label) { l.Purpose = "sign-in form" },
		"another collection":        func(l *seal.Label) { l.Collection = "people" },
		"another document":          func(l *seal.Label) { l.Document = strings.Repeat("e", 43) },
		"another field":             func(l *seal.Label) { l.Field = "upstream" },
		"no collection":             func(l *seal.Label) { l.Collection = "" },
		"no document":               func(l *seal.Label) { l.Document = "" },
		"no field":                  func(l *seal.Label) { l.Field = "" },
		"longer document":           func(l *seal.Label) { l.Document += "d" },
		"upper case":                func(l *seal.Label) { l.Collection = "Grants" },
		"parts joined differently":  func(l *seal.Label) { l.Collection, l.Document = "grant", "s"+l.Document },
		"collection and field swap": func(l *seal.Label) { l.Collection, l.Field = l.Field, l.Collection },
	} {
		there := here
		move(&there)
		got, err := b.Open(t.Context(), there, sealed)
		if !errors.Is(err, seal.ErrMisplaced) || got != nil {
			t.Errorf("%s: got %q, %v, want ErrMisplaced", name, got, err)
		}
	}
}

// The same as a property: two labels open each other's envelopes only if they
// are the same label. Short parts of few letters make near misses likely.
func TestLabelsNeverMeet(t *testing.T) {
	t.Parallel()
	b := box(fernet.GenerateKey())
	random := rand.New(rand.NewPCG(1, 2))
	part := func(least int) string {
		var s strings.Builder
		for range least + random.IntN(3) {
			s.WriteByte("\x00\x01\x02a"[random.IntN(4)])
		}
		return s.String()
	}
	label := func() seal.Label {
		return seal.Label{Purpose: part(1), Collection: part(0), Document: part(0), Field: part(0)}
	}
	for range 5_000 {
		one, other := label(), label()
		payload := part(0)
		got, err := b.Open(t.Context(), other, mustSeal(t, b, one, payload))
		opened := err == nil && string(got) == payload
		if one == other && !opened || one != other && !errors.Is(err, seal.ErrMisplaced) {
			t.Fatalf("sealed at %s, opened at %s: got %q, %v", one, other, got, err)
		}
	}
}

func TestUnusableLabelsAreRefused(t *testing.T) {
	t.Parallel()
	b := box(fernet.GenerateKey())
	for name, l := range map[string]seal.Label{
		"no purpose":    {Collection: "grants"},
		"too long":      {Purpose: "record", Document: strings.Repeat("d", 256)},
		"invalid UTF-8": {Purpose: "record", Field: "\xff"},
	} {
		if _, err := b.Seal(t.Context(), l, nil); err == nil {
			t.Errorf("%s: sealed", name)
		}
		if _, err := b.Open(t.Context(), l, mustSeal(t, b, here, "")); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// A fault in the token is ErrUnreadable, never a payload (SC-05).
func TestDamagedIsUnreadable(t *testing.T) {
	t.Parallel()
	key := fernet.GenerateKey()
	b := box(key)
	sealed := mustSeal(t, b, here, "payload")
	for name, other := range map[string]string{
		"empty":            "",
		"truncated":        sealed[:len(sealed)-4],
		"appended":         sealed + "AAAA",
		"line break":       sealed + "\n",
		"another key":      mustSeal(t, box(fernet.GenerateKey()), here, "payload"),
		"no envelope":      fernet.Keyring{key}.Encrypt(nil, noon),
		"a later schema":   fernet.Keyring{key}.Encrypt([]byte("\x02\x06record"), noon),
		"an older program": fernet.Keyring{key}.Encrypt([]byte(`{"access_token":"x"}`), noon),
	} {
		if got, err := b.Open(t.Context(), here, other); !errors.Is(err, seal.ErrUnreadable) || got != nil {
			t.Errorf("%s: got %q, %v, want ErrUnreadable", name, got, err)
		}
	}
	cut := fernet.Keyring{key}.Encrypt([]byte("\x01\x06rec"), noon)
	if _, err := b.Open(t.Context(), here, cut); !errors.Is(err, seal.ErrMisplaced) {
		t.Errorf("cut short inside its label: got %v, want ErrMisplaced", err)
	}
}

func TestErrorsHoldNothingOfThePayload(t *testing.T) {
	t.Parallel()
	b := box(fernet.GenerateKey())
	sealed := mustSeal(t, b, here, "canary")
	_, err := b.Open(t.Context(), seal.Label{Purpose: "other"}, sealed)
	if got := fmt.Sprintf("%+v", err); strings.Contains(got, "canary") || strings.Contains(got, sealed[:20]) {
		t.Errorf("got %s", got)
	}
}

// Rotation step by step, and what `keys reseal` looks for (SC-07).
func TestStaleIsWhatAnOlderKeySealed(t *testing.T) {
	t.Parallel()
	older, newer := fernet.GenerateKey(), fernet.GenerateKey()
	sealed := mustSeal(t, box(older), here, "payload")
	for name, test := range map[string]struct {
		ring []fernet.Key
		want bool
	}{
		"alone":    {[]fernet.Key{older}, false},
		"staged":   {[]fernet.Key{older, newer}, false},
		"promoted": {[]fernet.Key{newer, older}, true},
	} {
		if got, err := box(test.ring...).Stale(t.Context(), sealed); err != nil || got != test.want {
			t.Errorf("%s: got %t, %v, want %t", name, got, err, test.want)
		}
	}
	if _, err := box(newer).Stale(t.Context(), sealed); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("retired: got %v, want ErrUnreadable", err)
	}
}

// An instance meets what another sealed with a key that it does not have yet (SC-07). It reads the
// ring again at once.
func TestUnknownKeyIsFetchedBeforeGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		older, newer := fernet.GenerateKey(), fernet.GenerateKey()
		content, reads := fernet.Keyring{older}.Format(), 0
		file := keyfile.New("keys", fernet.ParseKeyring, &keyfile.Options{
			Log:  slog.New(slog.DiscardHandler),
			Read: func(string) ([]byte, error) { reads++; return content, nil },
		})
		b := seal.NewBox(file, nil)
		mustSeal(t, b, here, "") // reads the old ring
		time.Sleep(time.Second)
		content = fernet.Keyring{newer, older}.Format()
		got, err := b.Open(t.Context(), here, mustSeal(t, box(newer), here, "payload"))
		if err != nil || string(got) != "payload" || reads != 2 {
			t.Errorf("got %q, %v after %d reads, want the payload after 2", got, err, reads)
		}
		if _, err := b.Open(t.Context(), here, "junk"); !errors.Is(err, seal.ErrUnreadable) || reads != 2 {
			t.Errorf("junk: got %v after %d reads, want ErrUnreadable and no read", err, reads)
		}
	})
}

// While the ring cannot be read again, a key that it lacks proves nothing: what is sealed
// well is a fault of ours, and what is not even a token stays a refusal.
func TestAStaleRingIsAFaultAndNotAVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		older, newer := fernet.GenerateKey(), fernet.GenerateKey()
		content, absent := fernet.Keyring{older}.Format(), error(nil)
		file := keyfile.New("keys", fernet.ParseKeyring, &keyfile.Options{
			Log:  slog.New(slog.DiscardHandler),
			Read: func(string) ([]byte, error) { return content, absent },
		})
		b := seal.NewBox(file, nil)
		own := mustSeal(t, b, here, "payload") // reads the old ring
		absent = errors.New("permission denied")
		time.Sleep(time.Second)
		sealed := mustSeal(t, box(newer), here, "payload")
		if _, err := b.Open(t.Context(), here, sealed); !errors.Is(err, absent) || errors.Is(err, seal.ErrUnreadable) {
			t.Errorf("sealed by a newer key: got %v, want %v and not ErrUnreadable", err, absent)
		}
		if got, err := b.Open(t.Context(), here, own); err != nil || string(got) != "payload" {
			t.Errorf("sealed by a key that is there: got %q, %v, want the payload", got, err)
		}
		if _, err := b.Open(t.Context(), here, "junk"); !errors.Is(err, seal.ErrUnreadable) {
			t.Errorf("junk: got %v, want ErrUnreadable", err)
		}
		content, absent = fernet.Keyring{newer, older}.Format(), nil
		time.Sleep(5 * time.Minute)
		if got, err := b.Open(t.Context(), here, sealed); err != nil || string(got) != "payload" {
			t.Errorf("the ring is back: got %q, %v, want the payload", got, err)
		}
	})
}

// No keys, no default (SC-09).
func TestWithoutKeysNothingIsSealedOrOpened(t *testing.T) {
	t.Parallel()
	absent := errors.New("permission denied")
	file := keyfile.New("keys", fernet.ParseKeyring, &keyfile.Options{
		Log:  slog.New(slog.DiscardHandler),
		Read: func(string) ([]byte, error) { return nil, absent },
	})
	b := seal.NewBox(file, nil)
	if _, err := b.Seal(t.Context(), here, nil); !errors.Is(err, absent) {
		t.Errorf("seal: got %v, want %v", err, absent)
	}
	sealed := mustSeal(t, box(fernet.GenerateKey()), here, "")
	if _, err := b.Open(t.Context(), here, sealed); !errors.Is(err, absent) || errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("open: got %v, want %v", err, absent)
	}
}

// The envelope as doc.go describes it, byte by byte.
func TestEnvelopeIsAsDocumented(t *testing.T) {
	t.Parallel()
	key := fernet.GenerateKey()
	sealed := mustSeal(t, box(key), seal.Label{Purpose: "p", Collection: "cc", Field: "é"}, "load")
	got, _, err := fernet.Keyring{key}.Decrypt(sealed)
	if want := "\x01\x01p\x02cc\x00\x02\xc3\xa9load"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// What opens at a place was sealed for it, whatever the envelope holds.
func FuzzOpen(f *testing.F) {
	key := fernet.GenerateKey()
	b := box(key)
	f.Add("record", "grants", "d", "body", []byte("\x01\x06record\x06grants\x01d\x04bodyload"), "junk")
	f.Add("p", "", "", "", []byte("\x01\x01p\x00\x00\x00"), "")
	f.Fuzz(func(t *testing.T, purpose, collection, document, field string, envelope []byte, token string) {
		l := seal.Label{Purpose: purpose, Collection: collection, Document: document, Field: field}
		if got, err := b.Open(t.Context(), l, token); err == nil {
			t.Errorf("opened %q, which we did not seal: %q", token, got)
		}
		payload, err := b.Open(t.Context(), l, fernet.Keyring{key}.Encrypt(envelope, noon))
		if err != nil {
			return
		}
		sealed, err := b.Seal(t.Context(), l, payload)
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := (fernet.Keyring{key}).Decrypt(sealed); err != nil || !bytes.Equal(again, envelope) {
			t.Errorf("opened %q at %s, which seals to %q, %v", envelope, l, again, err)
		}
	})
}

func BenchmarkSealAndOpen(b *testing.B) {
	x := box(fernet.GenerateKey())
	payload := make([]byte, 512)
	for b.Loop() {
		sealed, _ := x.Seal(b.Context(), here, payload)
		if _, err := x.Open(b.Context(), here, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleBox() {
	ctx := context.Background()
	b := seal.NewBox(keyfile.Static(fernet.Keyring{fernet.GenerateKey()}), nil)
	person := seal.Label{Purpose: "upstream token", Collection: "people", Document: "ada", Field: "token"}
	sealed, _ := b.Seal(ctx, person, []byte("gho_…"))

	person.Document = "eve"
	_, err := b.Open(ctx, person, sealed)
	fmt.Println(errors.Is(err, seal.ErrMisplaced))
	// Output: true
}
