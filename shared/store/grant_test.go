package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
)

// A refresh token that comes after its grace ends its grant, and no other login (RT-01, B15).
func TestReusedRefreshTokenEndsTheFamily(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red, sibling := h.login(t, c), h.login(t, c)
	next := h.rotate(t, red.Refresh, c.ID)
	if !next.Rotated || next.Refresh.Reveal() == red.Refresh.Reveal() {
		t.Error("got the same token, want another")
	}
	h.Clock.Advance(grace)
	rot, err := h.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
	wantInvalidGrant(t, "reuse", err)
	if !rot.Reused || rot.Grant.ID != red.Grant.ID || !rot.Refresh.IsZero() {
		t.Errorf("got %+v, want a reuse of the grant and no token", rot)
	}
	h.wantEnded(t, red.Grant.ID)
	h.wantLive(t, sibling.Grant.ID)
	_, err = h.Rotate(t.Context(), next.Refresh, c.ID, allowGrant)
	wantInvalidGrant(t, "the newest after reuse", err)
}

// Parallel refreshes all get a full answer of one family (RT-02, W7).
func TestParallelRefreshesAllGetUsableTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	var mu sync.Mutex
	tokens := map[string]int{}
	rotated := 0
	wins := parallel(32, func(int) bool {
		rot, err := h.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
		if err != nil {
			t.Errorf("got %v, want a full answer", err)
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		tokens[rot.Refresh.Reveal()]++
		if rot.Rotated {
			rotated++
		}
		return rot.Grant.ID == red.Grant.ID && !rot.Refresh.IsZero()
	})
	if wins != 32 || rotated != 1 || len(tokens) != 1 {
		t.Errorf("got %d answers, %d rotations, %d different tokens; want 32, 1, 1", wins, rotated, len(tokens))
	}
	for token := range tokens {
		h.rotate(t, credential.Wrap(token), c.ID)
	}
	h.wantLive(t, red.Grant.ID)
}

// A token works for the grace from its first rotation, however many generations have passed, and
// always gives the newest (B2, B4, B6).
func TestGraceIsMeasuredFromTheFirstRotation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	first := h.login(t, c).Refresh
	second := h.rotate(t, first, c.ID).Refresh
	h.Clock.Advance(60 * time.Second)
	third := h.rotate(t, second, c.ID).Refresh
	h.Clock.Advance(59 * time.Second)
	for range 3 { // using it again does not start the grace anew
		for name, old := range map[string]credential.Secret{"first": first, "second": second} {
			rot := h.rotate(t, old, c.ID)
			if rot.Rotated || rot.Refresh.Reveal() != third.Reveal() {
				t.Errorf("%s: got another token than the newest", name)
			}
		}
	}
	h.Clock.Advance(time.Second - time.Microsecond)
	h.rotate(t, first, c.ID)
	h.Clock.Advance(time.Microsecond)
	h.rotate(t, second, c.ID) // 60 s after its own first rotation
	rot, err := h.Rotate(t.Context(), first, c.ID, allowGrant)
	wantInvalidGrant(t, "120 s after its first rotation", err)
	if !rot.Reused {
		t.Error("got no reuse, want one")
	}
}

// REFRESH_GRACE=0 is no grace at all.
func TestWithoutGraceTheSecondUseIsReuse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	s := h.over(t, h.Memory, 0)
	if _, err := s.Rotate(t.Context(), red.Refresh, c.ID, allowGrant); err != nil {
		t.Fatal(err)
	}
	rot, err := s.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
	if wantInvalidGrant(t, "second use", err); !rot.Reused {
		t.Error("got no reuse, want one")
	}
}

// Nothing but the whole token in the hands of its client counts (RT-09, AT-05).
func TestForgedOrForeignRefreshTokenRevokesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, other := h.register(t, "c_1"), h.register(t, "c_2")
	red, theirs := h.login(t, c), h.login(t, other)
	h.rotate(t, red.Refresh, c.ID)
	h.Clock.Advance(time.Hour) // so that the first token would be reuse
	raw := red.Refresh.Reveal()
	flip := func(i int) string {
		replacement := "A"
		if raw[i] == 'A' {
			replacement = "B"
		}
		return raw[:i] + replacement + raw[i+1:]
	}
	for name, token := range map[string]string{
		"empty": "", "prefix alone": "rt_", "another prefix": "at_" + raw[3:], "no prefix": raw[3:],
		"cut": raw[:len(raw)-1], "longer": raw + "A", "padding": raw + "=", "line break": raw + "\n",
		"changed grant id": flip(5), "changed generation": flip(49), "changed MAC": flip(60),
		"changed end": flip(len(raw) - 2), "capital prefix": "RT_" + raw[3:],
		"mixed of two": raw[:60] + theirs.Refresh.Reveal()[60:], "long": "rt_" + strings.Repeat("A", 5000),
	} {
		rot, err := h.Rotate(t.Context(), credential.Wrap(token), c.ID, allowGrant)
		if wantInvalidGrant(t, name, err); rot.Reused {
			t.Errorf("%s: was taken for reuse", name)
		}
		if store.GenuineRefreshToken(red.Grant, credential.Wrap(token)) {
			t.Errorf("%s: is taken for genuine", name)
		}
	}
	rot, err := h.Rotate(t.Context(), red.Refresh, other.ID, allowGrant)
	if wantInvalidGrant(t, "another client", err); rot.Reused {
		t.Error("another client's use was taken for reuse")
	}
	h.wantLive(t, red.Grant.ID)
}

// Whatever the order, after the revocation is acknowledged nothing lives (RT-05).
func TestRefreshCannotBringARevokedGrantBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	for range 200 {
		red := h.login(t, c)
		var next credential.Secret
		parallel(2, func(i int) bool {
			if i == 0 {
				if err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", nil); err != nil {
					t.Error(err)
				}
				return true
			}
			rot, err := h.Rotate(t.Context(), red.Refresh, c.ID, allowGrant)
			if err == nil {
				next = rot.Refresh
			}
			return true
		})
		h.wantEnded(t, red.Grant.ID)
		for _, token := range []credential.Secret{red.Refresh, next} {
			_, err := h.Rotate(t.Context(), token, c.ID, allowGrant)
			wantInvalidGrant(t, "after the revocation", err)
		}
	}
}

// A check that fails comes before anything changes (RT-07, B9).
func TestFailedCheckDoesNotRotate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	before := h.document(t, grantKey(red.Grant.ID))
	for _, refusal := range []error{
		oauth.Refuse(oauth.InvalidTarget, "other resource"), oauth.Refuse(oauth.InvalidScope, "more"), errDown,
	} {
		_, err := h.Rotate(t.Context(), red.Refresh, c.ID, func(g *store.Grant) error {
			g.Person.Login = "changed"
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Errorf("got %v, want %v unchanged", err, refusal)
		}
	}
	if !h.document(t, grantKey(red.Grant.ID)).Equal(before) {
		t.Error("a refused refresh changed the grant")
	}
	if !h.rotate(t, red.Refresh, c.ID).Rotated {
		t.Error("the token had been rotated")
	}
}

// What the check learns about the person is stored with the rotation, in grace too.
func TestCheckedPersonIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	for _, login := range []string{"renamed", "renamed-in-grace"} {
		rename := func(g *store.Grant) error { g.Person.Login = login; return nil }
		_, err := h.Rotate(t.Context(), red.Refresh, c.ID, rename)
		if err != nil {
			t.Fatal(err)
		}
		if g, err := h.Grant(t.Context(), red.Grant.ID); err != nil || g.Person.Login != login {
			t.Errorf("got login %q, %v; want %q", g.Person.Login, err, login)
		}
	}
}

// A grant ends GRANT_TTL after its last refresh; each refresh slides it (RT-08, TOK-25).
func TestGrantEndsWhenItIsNotUsed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	token := h.login(t, c).Refresh
	for range 10 {
		h.Clock.Advance(grantTTL - time.Microsecond)
		h.Memory.Purge(h.Clock.Now())
		token = h.rotate(t, token, c.ID).Refresh
	}
	h.Clock.Advance(grantTTL)
	rot, err := h.Rotate(t.Context(), token, c.ID, allowGrant)
	if wantInvalidGrant(t, "at its end", err); rot.Reused {
		t.Error("an end was taken for reuse")
	}
	id, _ := store.RefreshGrantID(token)
	h.wantEnded(t, id)
	if n := h.Memory.Purge(h.Clock.Now()); n == 0 {
		t.Error("the ended grant stays for ever")
	}
}

// A client that refreshes before every request does not make the record grow, and its older tokens
// stay in grace all the same (B3, SC-16).
func TestHotFamilyStaysSmall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	size := len(h.document(t, grantKey(red.Grant.ID)).Body)
	type used struct {
		token credential.Secret
		at    time.Time
	}
	var history []used
	token := red.Refresh
	const step = 500 * time.Millisecond
	for range 500 { // four minutes at two a second
		history = append(history, used{token, h.Clock.Now()})
		token = h.rotate(t, token, c.ID).Refresh
		h.Clock.Advance(step)
	}
	if got := len(h.document(t, grantKey(red.Grant.ID)).Body); got > size+10_000 {
		t.Errorf("the record grew from %d to %d bytes", size, got)
	}
	for i := len(history) - 1; i >= 0; i -= 7 {
		if h.Clock.Now().Sub(history[i].at) >= grace {
			break
		}
		if rot := h.rotate(t, history[i].token, c.ID); rot.Refresh.Reveal() != token.Reveal() {
			t.Fatal("got another token than the newest")
		}
	}
	// Beyond the grace, and the little more that shared entries allow, it is reuse.
	rot, err := h.Rotate(t.Context(), history[len(history)-1-int((grace+grace/32)/step)-1].token, c.ID, allowGrant)
	if wantInvalidGrant(t, "out of grace", err); !rot.Reused {
		t.Error("got no reuse, want one")
	}
}

// A revocation needs its check, is final, and does not mind a repeat (RT-11, I7).
func TestRevokeGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red := h.login(t, c)
	no := errors.New("not the client of the token")
	err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", func(store.Grant) error { return no })
	if !errors.Is(err, no) {
		t.Errorf("got %v, want %v", err, no)
	}
	h.wantLive(t, red.Grant.ID)
	for range 2 {
		if err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", nil); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute)
	}
	g, err := h.Grant(t.Context(), red.Grant.ID)
	if err != nil || g.Reason != "test" || !g.Revoked.Equal(h.Clock.Now().Add(-2*time.Minute)) {
		t.Errorf("got %v %q, %v; want the time of the first", g.Revoked, g.Reason, err)
	}
	if err := h.RevokeGrant(t.Context(), "unknown", "test", nil); err != nil {
		t.Errorf("unknown: got %v, want nil", err)
	}
	// The mark is kept longer than any token of the grant lives.
	h.Clock.Advance(2 * time.Hour)
	h.Memory.Purge(h.Clock.Now())
	if _, err := h.Grant(t.Context(), red.Grant.ID); err != nil {
		t.Errorf("got %v, want the mark", err)
	}
}

// What introspection and revocation ask about a refresh token.
func TestRefreshTokenAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	red, other := h.login(t, c), h.login(t, c)
	next := h.rotate(t, red.Refresh, c.ID)
	if id, ok := store.RefreshGrantID(red.Refresh); !ok || id != red.Grant.ID {
		t.Errorf("got %q, %v; want the grant's id", id, ok)
	}
	if _, ok := store.RefreshGrantID(credential.New("rt_")); ok {
		t.Error("a token of another shape names a grant")
	}
	for name, got := range map[string]bool{
		"older is genuine":           store.GenuineRefreshToken(next.Grant, red.Refresh),
		"newest is genuine":          store.GenuineRefreshToken(next.Grant, next.Refresh),
		"newest is current":          h.CurrentRefreshToken(next.Grant, next.Refresh),
		"older is current in grace":  h.CurrentRefreshToken(next.Grant, red.Refresh),
		"another's is not genuine":   !store.GenuineRefreshToken(next.Grant, other.Refresh),
		"another's is not current":   !h.CurrentRefreshToken(next.Grant, other.Refresh),
		"no family, nothing genuine": !store.GenuineRefreshToken(store.Grant{ID: red.Grant.ID}, red.Refresh),
	} {
		if !got {
			t.Errorf("%s: want true", name)
		}
	}
	h.Clock.Advance(grace)
	if h.CurrentRefreshToken(next.Grant, red.Refresh) {
		t.Error("out of grace is current")
	}
	h.Clock.Advance(grantTTL)
	if h.CurrentRefreshToken(next.Grant, next.Refresh) {
		t.Error("a token of an ended grant is current")
	}
}
