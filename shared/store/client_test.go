package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// An unused registration ends, to the microsecond, whether or not its document was purged (A6, W9,
// SC-12).
func TestUnusedClientExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(t, "c_1")
	h.Clock.Advance(unused - time.Microsecond)
	if _, err := h.Client(t.Context(), "c_1"); err != nil {
		t.Errorf("before: got %v, want the client", err)
	}
	if n := h.Memory.Purge(h.Clock.Now()); n != 0 {
		t.Errorf("before: %d documents purged, want none", n)
	}
	h.Clock.Advance(time.Microsecond)
	if _, err := h.Client(t.Context(), "c_1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("at: got %v, want ErrNotFound", err)
	}
	if err := h.IssueCode(t.Context(), h.newLogin("c_1"), fixture.AnyClient); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("login: got %v, want ErrNotFound", err)
	}
	if n := h.Memory.Purge(h.Clock.Now()); n != 1 {
		t.Errorf("at: %d documents purged, want 1", n)
	}
}

// A client that completed a login never expires, not even when its grants are over, and is not
// purged (A1, A4, A5).
func TestUsedClientNeverExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	h.Clock.Advance(unused - time.Minute)
	h.login(t, c)
	for range 20 {
		h.Clock.Advance(365 * 24 * time.Hour)
		h.Memory.Purge(h.Clock.Now())
	}
	got, err := h.Client(t.Context(), "c_1")
	if err != nil || !got.Expiry.IsZero() {
		t.Fatalf("got expiry %v, %v; want none", got.Expiry, err)
	}
	h.login(t, c)
}

// A begun login that never completed does not count.
func TestRefusedLoginDoesNotKeepTheClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(t, "c_1")
	_ = h.IssueCode(t.Context(), h.newLogin("c_1"), func(store.Client) error { return errDown })
	h.Clock.Advance(unused)
	if _, err := h.Client(t.Context(), "c_1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// A client that the operator made, for a product that cannot register, never expires (O4).
func TestOperatorsClientNeverExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := fixture.PublicClient("c_1")
	c.Operator = true
	if _, err := h.RegisterClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(100 * unused)
	h.Memory.Purge(h.Clock.Now())
	if _, err := h.Client(t.Context(), "c_1"); err != nil {
		t.Errorf("got %v, want the client", err)
	}
}

// Whatever an id holds, it is only ever hashed (RG-05, SC-21).
func TestClientIDsOfAnyText(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ids := []string{
		"a/b", "../clients/x", "__x__", ".", "..", "https://example.com/oauth/client.json", "a\x00b", "ünïcode",
		"a b", "c_1", "C_1", string(make([]byte, 5000)),
	}
	for _, id := range ids {
		h.register(t, id)
	}
	for _, id := range ids {
		if c, err := h.Client(t.Context(), id); err != nil || c.ID != id {
			t.Errorf("%.20q: got %.20q, %v", id, c.ID, err)
		}
	}
	if _, err := h.Client(t.Context(), ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("empty id: got %v, want ErrNotFound", err)
	}
}

func TestTakenClientIDIsAnError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(t, "c_1")
	other := fixture.PublicClient("c_1")
	other.SecretHash = "another"
	if _, err := h.RegisterClient(t.Context(), other); err == nil {
		t.Error("a taken id was registered again")
	}
	if c, _ := h.Client(t.Context(), "c_1"); c.SecretHash != "" {
		t.Error("the first registration was changed")
	}
}

// RFC 7592 §2.2: a change is whole or not at all, and does not make a client live on.
func TestUpdateKeepsTheExpiry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.register(t, "c_1")
	h.Clock.Advance(time.Hour)
	rename := func(c *store.Client) error { c.Metadata.ClientName = "New"; return nil }
	got, err := h.UpdateClient(t.Context(), "c_1", rename)
	if err != nil || got.Metadata.ClientName != "New" || !got.Expiry.Equal(before.Expiry) {
		t.Errorf("got %+v, %v", got, err)
	}
	no := errors.New("no")
	refused := func(c *store.Client) error { c.Metadata.ClientName = "Newer"; return no }
	if _, err := h.UpdateClient(t.Context(), "c_1", refused); !errors.Is(err, no) {
		t.Errorf("got %v, want %v", err, no)
	}
	if c, _ := h.Client(t.Context(), "c_1"); c.Metadata.ClientName != "New" {
		t.Errorf("got name %q, want New", c.Metadata.ClientName)
	}
	_, err = h.UpdateClient(t.Context(), "c_2", func(*store.Client) error { return nil })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown: got %v, want ErrNotFound", err)
	}
}

// Nothing of a deleted client works from then on (TE-12).
func TestDeletedClientTakesItsGrantsAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	no := errors.New("wrong registration access token")
	if err := h.DeleteClient(t.Context(), "c_1", func(store.Client) error { return no }); !errors.Is(err, no) {
		t.Fatalf("got %v, want %v", err, no)
	}
	h.wantLive(t, red.Grant.ID)
	if err := h.DeleteClient(t.Context(), "c_1", nil); err != nil {
		t.Fatal(err)
	}
	h.wantEnded(t, red.Grant.ID)
	if _, err := h.Client(t.Context(), "c_1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := h.DeleteClient(t.Context(), "c_1", nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("again: got %v, want ErrNotFound", err)
	}
}
