package store_test

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
)

func refusals(t *testing.T, h *house) (list []store.Refusal) {
	t.Helper()
	for r, err := range h.Refusals(t.Context()) {
		fixture.Must(t, err)
		list = append(list, r)
	}
	return list
}

// Who was refused can be found by login for 30 days, once a person and by the login of the last
// time, and is gone then, from the list at once and from the store by its keeper (H6).
func TestRefusalsAreFoundForThirtyDays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, login := range []string{"old-name", "new-name"} {
		fixture.Must(t, h.NoteRefusal(t.Context(), "github:7", login))
		h.Clock.Advance(time.Hour)
	}
	fixture.Must(t, h.NoteRefusal(t.Context(), "github:8", "other"))
	got := refusals(t, h)
	if len(got) != 2 || len(h.Kept(t)) != 2 {
		t.Fatalf("got %+v in %d documents, want one note a person", got, len(h.Kept(t)))
	}
	for _, r := range got {
		if want := map[string]string{"github:7": "new-name", "github:8": "other"}[r.Subject]; r.Login != want {
			t.Errorf("%s: got login %q, want %q", r.Subject, r.Login, want)
		}
	}
	h.Clock.Advance(store.RefusalTTL - time.Hour)
	if got := refusals(t, h); len(got) != 1 || got[0].Subject != "github:8" {
		t.Errorf("after 30 days: got %+v, want the later one alone", got)
	}
	h.Clock.Advance(time.Hour)
	if got := refusals(t, h); len(got) != 0 {
		t.Errorf("after 30 days: got %+v, want none", got)
	}
	if n := h.Memory.Purge(h.Clock.Now()); n != 2 {
		t.Errorf("the keeper removed %d documents, want 2", n)
	}
}

// A note holds what an operator needs, sealed, and nothing else can be read of it (SC-10).
func TestRefusalIsSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fixture.Must(t, h.NoteRefusal(t.Context(), "github:7", "octocat"))
	k := driver.Key{Collection: store.RefusalsCollection, ID: store.PersonDocument("github:7")}
	d, ok := h.Kept(t)[k]
	if !ok || d.Index != nil || len(d.Body) == 0 || d.DeleteAfter.Sub(h.Clock.Now()) != store.RefusalTTL {
		t.Errorf("got %+v, want one sealed document that goes after 30 days", d)
	}
}
