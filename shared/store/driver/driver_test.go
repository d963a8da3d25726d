package driver_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

func TestOpenFindsTheDriverOfAScheme(t *testing.T) {
	t.Parallel()
	var got string
	drivers := driver.Openers{"some": func(_ context.Context, name string) (driver.Driver, error) {
		got = name
		return nil, nil
	}}
	if _, err := drivers.Open(t.Context(), "some:a:b/c"); err != nil || got != "a:b/c" {
		t.Errorf("Open: got name %q, %v, want a:b/c", got, err)
	}
	// There is no store by default, least of all one in memory (A9).
	for _, setting := range []string{"", "memory:", "memory", "postgres:x"} {
		if _, err := drivers.Open(t.Context(), setting); err == nil || !strings.Contains(err.Error(), "only some") {
			t.Errorf("Open(%q): got %v, want an error that lists the drivers", setting, err)
		}
	}
}

// A hash never looks like a reserved name, so it is always an id (G6, SC-21).
func TestHashesAreIDs(t *testing.T) {
	t.Parallel()
	for _, fill := range []byte{0x00, 0xff} {
		var sum [sha256.Size]byte
		for i := range sum {
			sum[i] = fill
		}
		k := driver.Key{Collection: "clients", ID: base64.RawURLEncoding.EncodeToString(sum[:])}
		if err := k.Check(); err != nil {
			t.Errorf("Check(%q): got %v, want no error", k.ID, err)
		}
	}
}

// What was refused may be a credential in the wrong place: no error quotes it.
func TestErrorsDoNotRepeatValues(t *testing.T) {
	t.Parallel()
	const secret = "rt_secret/"
	for name, err := range map[string]error{
		"id":    driver.Key{Collection: "clients", ID: secret}.Check(),
		"body":  driver.Document{Body: secret + "\n"}.Check(),
		"index": driver.Document{Index: map[string]string{"owner": strings.Repeat(secret, 20)}}.Check(),
		"after": driver.Query{Collection: "clients", After: secret, Limit: 1}.Check(),
	} {
		if !errors.Is(err, driver.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want ErrInvalid without the value", name, err)
		}
	}
}

func TestCloneIsApartAndEqual(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("east", 3600))
	d := driver.Document{Body: "x", Index: map[string]string{"owner": "me"}, DeleteAfter: at}
	c := d.Clone()
	if !c.Equal(d) || c.DeleteAfter.Location() != time.UTC || c.DeleteAfter.Nanosecond() != 6000 {
		t.Errorf("Clone: got %+v, want it equal, in UTC, cut to the microsecond", c)
	}
	c.Index["owner"] = "thief"
	if c.Equal(d) || d.Index["owner"] != "me" {
		t.Errorf("Clone: got an index shared with its origin")
	}
}
