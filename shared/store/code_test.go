package store_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
)

// Of 64 parallel redemptions one wins (AC-04, I6). The others, who hold the code and the right
// verifier too, count as a replay.
func TestOneOf64ParallelRedemptionsWins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	for range 10 {
		code := h.issue(t, c.ID)
		var mu sync.Mutex
		var grants []string
		wins := parallel(64, func(int) bool {
			red, _, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				grants = append(grants, red.Grant.ID)
			} else {
				wantInvalidGrant(t, "a loser", err)
			}
			return err == nil
		})
		if wins != 1 {
			t.Fatalf("got %d winners, want 1", wins)
		}
		h.wantEnded(t, grants[0])
	}
}

// A code that comes again ends the tokens it gave, and no other login (AC-05, TOK-12, B15).
func TestReplayedCodeRevokesItsTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	code := h.issue(t, c.ID)
	red := h.redeem(t, code, c)
	sibling := h.login(t, c)
	next := h.rotate(t, red.Refresh, c.ID)
	h.Clock.Advance(2 * codeTTL) // long after the code itself is over

	got, replayed, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
	wantInvalidGrant(t, "replay", err)
	if !replayed || !got.Refresh.IsZero() || got.Grant.ID != red.Grant.ID || got.Grant.ClientID != "" {
		t.Errorf("got replayed %v and %+v, want a replay that gives nothing but the name of what it ended",
			replayed, got.Grant)
	}
	h.wantEnded(t, red.Grant.ID)
	h.wantLive(t, sibling.Grant.ID)
	_, err = h.Rotate(t.Context(), next.Refresh, c.ID, allowGrant)
	wantInvalidGrant(t, "refresh after a replay", err)
}

// The loser of a race is a replay, also if the keeper tells it that the grant is there (AC-04,
// AC-05).
func TestLostRaceRevokesTheGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	code := h.issue(t, c.ID)
	var winner store.Redemption
	commits := 0
	h.Memory.RunOnce()
	h.Faults.Before(func(op string) error {
		if op != memory.OpCommit {
			return nil
		}
		if commits++; commits > 1 {
			return nil
		}
		winner = h.redeem(t, code, c)
		return driver.ErrExists
	})
	got, replayed, err := h.RedeemCode(t.Context(), code, "another request", c, fixture.AnyCode)
	wantInvalidGrant(t, "the loser", err)
	if !replayed || got.Grant.ID != winner.Grant.ID || errors.Is(err, store.ErrTampered) {
		t.Errorf("got replayed %v, grant %q, %v; want a replay that names the winner's grant",
			replayed, got.Grant.ID, err)
	}
	h.wantEnded(t, winner.Grant.ID)
}

// Whoever does not hold all of it revokes nothing (AC-06, RT-03).
func TestReplayWithoutProofRevokesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, other := h.register(t, "c_1"), h.register(t, "c_2")
	code := h.issue(t, c.ID)
	red := h.redeem(t, code, c)

	wrong := oauth.Refuse(oauth.InvalidGrant, "wrong verifier")
	_, replayed, err := h.RedeemCode(t.Context(), code, "", c, func(store.Code) error { return wrong })
	if !errors.Is(err, wrong) || replayed {
		t.Errorf("wrong verifier: got replayed %v, %v; want its own error", replayed, err)
	}
	_, replayed, err = h.RedeemCode(t.Context(), code, "", other, fixture.AnyCode)
	wantInvalidGrant(t, "another client", err)
	if replayed {
		t.Error("another client was taken for a replay")
	}
	changed := credential.Wrap(code.Reveal()[:len(code.Reveal())-1] + "~")
	_, replayed, err = h.RedeemCode(t.Context(), changed, "", c, fixture.AnyCode)
	wantInvalidGrant(t, "a changed code", err)
	if replayed {
		t.Error("a changed code was taken for a replay")
	}
	h.wantLive(t, red.Grant.ID)
}

// What the code is bound to reaches the check as it was issued (AC-07, AC-11).
func TestCheckSeesWhatTheCodeIsBoundTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	l := h.newLogin(c.ID)
	if err := h.IssueCode(t.Context(), l, fixture.AnyClient); err != nil {
		t.Fatal(err)
	}
	var seen store.Code
	red, _, err := h.RedeemCode(t.Context(), l.Code, "", c, func(code store.Code) error { seen = code; return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := l.Record
	if seen.ClientID != want.ClientID || seen.RedirectURI != want.RedirectURI || seen.Challenge != want.Challenge ||
		seen.Resource != want.Resource || seen.Scopes.String() != want.Scopes.String() ||
		!reflect.DeepEqual(seen.Person, want.Person) {
		t.Errorf("got %+v, want %+v", seen, want)
	}
	g := red.Grant
	if g.ClientID != want.ClientID || g.Resource != want.Resource ||
		g.Scopes.String() != want.Scopes.String() || !reflect.DeepEqual(g.Person, want.Person) {
		t.Errorf("got grant %+v, want it bound as the code was", g)
	}
}

// A request that is wrong costs nothing, whoever sends it (AC-07, AC-08).
func TestWrongRequestDoesNotBurnTheCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, other := h.register(t, "c_1"), h.register(t, "c_2")
	code := h.issue(t, c.ID)
	before := h.document(t, codeKey(code))
	for _, refusal := range []error{
		oauth.Refuse(oauth.InvalidTarget, "wrong resource"),
		oauth.Refuse(oauth.InvalidGrant, "wrong redirect_uri"), errDown,
	} {
		refuse := func(store.Code) error { return refusal }
		if _, _, err := h.RedeemCode(t.Context(), code, "", c, refuse); !errors.Is(err, refusal) {
			t.Errorf("got %v, want %v unchanged", err, refusal)
		}
	}
	_, _, err := h.RedeemCode(t.Context(), code, "", other, func(store.Code) error {
		t.Error("the code of another client was shown")
		return nil
	})
	wantInvalidGrant(t, "another client", err)
	if !h.document(t, codeKey(code)).Equal(before) {
		t.Error("a refused request changed the code")
	}
	h.redeem(t, code, c)
}

// A code lives until its expiry and not a microsecond longer (AC-09, SC-20).
func TestCodeEndsAtItsExpiry(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		wait time.Duration
		want bool
	}{{"before", codeTTL - time.Microsecond, true}, {"at", codeTTL, false}, {"after", codeTTL + time.Second, false}} {
		h := newHouse(t)
		c := h.register(t, "c_1")
		code := h.issue(t, c.ID)
		h.Clock.Advance(row.wait)
		_, _, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
		if (err == nil) != row.want {
			t.Errorf("%s: got %v, want success %v", row.name, err, row.want)
		}
		if !row.want {
			wantInvalidGrant(t, row.name, err)
		}
	}
}

// Unknown, expired, used and foreign share one sentence (TE-13).
func TestDeadCodesShareOneSentence(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, other := h.register(t, "c_1"), h.register(t, "c_2")
	used, foreign, expired := h.issue(t, c.ID), h.issue(t, other.ID), h.issue(t, c.ID)
	h.redeem(t, used, c)
	check := func(name string, code credential.Secret) {
		_, _, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
		refusal, ok := errors.AsType[*oauth.Error](err)
		if !ok || refusal.Code != oauth.InvalidGrant || refusal.Description != store.DeadCode {
			t.Errorf("%s: got %v, want the sentence of all dead codes", name, err)
		}
	}
	check("unknown", credential.New("code_"))
	check("empty", credential.Wrap(""))
	check("used", used)
	check("foreign", foreign)
	h.Clock.Advance(codeTTL)
	check("expired", expired)
}

// Of several deliveries of one callback the first wins, the others learn that it is done (UP-04,
// W5).
func TestLoginCompletesOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	l := h.newLogin(c.ID)
	if _, err := h.Code(t.Context(), l.Code); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("before: got %v, want ErrNotFound", err)
	}
	wins := parallel(16, func(int) bool {
		err := h.IssueCode(t.Context(), l, fixture.AnyClient)
		if err != nil && !errors.Is(err, store.ErrCompleted) {
			t.Errorf("got %v, want ErrCompleted", err)
		}
		return err == nil
	})
	if wins != 1 {
		t.Errorf("got %d winners, want 1", wins)
	}
	red := h.redeem(t, l.Code, c)
	if err := h.IssueCode(t.Context(), l, fixture.AnyClient); !errors.Is(err, store.ErrCompleted) {
		t.Errorf("after redemption: got %v, want ErrCompleted", err)
	}
	if c, err := h.Code(t.Context(), l.Code); err != nil || c.Alive(h.Clock.Now()) {
		t.Errorf("after: got %+v, %v; want a used code", c, err)
	}
	h.wantLive(t, red.Grant.ID) // a repeat mints nothing and revokes nothing
}

// A client that may not is refused before anything is stored.
func TestRefusedClientLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	before := h.Kept(t)
	no := errors.New("its redirect URI is gone")
	if err := h.IssueCode(t.Context(), h.newLogin(c.ID), func(store.Client) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v, want %v", err, no)
	}
	if err := h.IssueCode(t.Context(), h.newLogin("c_unknown"), fixture.AnyClient); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown client: got %v, want ErrNotFound", err)
	}
	if after := h.Kept(t); len(after) != len(before) {
		t.Errorf("got %d documents, want %d", len(after), len(before))
	}
}

// The mark of a used code outlives every access token it may have to revoke; the
// record of a login outlives the time in which the login can be repeated.
func TestCodeIsKeptLongEnough(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	code := h.issue(t, c.ID)
	at := h.document(t, codeKey(code)).DeleteAfter
	if at.Before(h.Clock.Now().Add(10*time.Minute)) || at.Before(h.Clock.Now().Add(time.Hour)) {
		t.Errorf("fresh: kept until %v", at)
	}
	h.Clock.Advance(30 * time.Second)
	red := h.redeem(t, code, c)
	h.Clock.Advance(time.Hour - time.Microsecond)
	h.Memory.Purge(h.Clock.Now())
	_, replayed, err := h.RedeemCode(t.Context(), code, "", c, fixture.AnyCode)
	if wantInvalidGrant(t, "replay", err); !replayed {
		t.Error("a replay within the life of an access token was not recognised")
	}
	h.wantEnded(t, red.Grant.ID)
}

// A client that is not registered for refresh tokens gets none (B11).
func TestClientWithoutTheGrantGetsNoRefreshToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := fixture.PublicClient("c_1")
	c.Metadata.GrantTypes = []string{oauth.GrantAuthorizationCode}
	c, err := h.RegisterClient(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if red := h.login(t, c); !red.Refresh.IsZero() || red.Grant.Refresh != nil {
		t.Error("got a refresh token, want none")
	}
}

// The same request once more, at once or a moment later, gets the same grant and refresh
// token, at one read more: its answer was lost (I5).
func TestRepeatedRequestGetsItsRedemptionAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	counter := memory.Count(h.Memory)
	h.Store = h.over(t, counter, grace)
	h.Memory.RunOnce()
	c := h.register(t, "c_1")
	code := h.issue(t, c.ID)
	first, _, err := h.RedeemCode(t.Context(), code, "request", c, fixture.AnyCode)
	if err != nil || first.Repeated {
		t.Fatalf("first: got repeated %v, %v", first.Repeated, err)
	}
	h.Clock.Advance(store.RepeatTime - time.Microsecond)
	counter.Take()
	again, replayed, err := h.RedeemCode(t.Context(), code, "request", c, fixture.AnyCode)
	if err != nil || replayed || !again.Repeated {
		t.Fatalf("again: got %+v, replayed %v, %v", again, replayed, err)
	}
	if got := counter.Take(); got.Reads != 2 {
		t.Errorf("got %d reads, want code and grant", got.Reads)
	}
	if again.Grant.ID != first.Grant.ID || again.Refresh.Reveal() != first.Refresh.Reveal() || first.Refresh.IsZero() {
		t.Error("got another grant or refresh token")
	}
	h.wantLive(t, first.Grant.ID)
}

// Whoever else redeems the code again ends the grant, and so does the same request too late or
// after the grant was refreshed: then the answer had arrived (AC-05, TOK-12).
func TestOnlyTheSameRequestIsARepeat(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		first, second string
		meanwhile     func(t *testing.T, h *house, c store.Client, red store.Redemption)
	}{
		"another request":       {first: "one", second: "two"},
		"first without a name":  {first: "", second: "two"},
		"second without a name": {first: "one", second: ""},
		"both without a name":   {first: "", second: ""},
		"too late": {"one", "one", func(_ *testing.T, h *house, _ store.Client, _ store.Redemption) {
			h.Clock.Advance(store.RepeatTime)
		}},
		"refreshed": {"one", "one", func(t *testing.T, h *house, c store.Client, red store.Redemption) {
			h.rotate(t, red.Refresh, c.ID)
		}},
		"revoked": {"one", "one", func(t *testing.T, h *house, _ store.Client, red store.Redemption) {
			if err := h.RevokeGrant(t.Context(), red.Grant.ID, "test", nil); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		h := newHouse(t)
		c := h.register(t, "c_1")
		code := h.issue(t, c.ID)
		red, _, err := h.RedeemCode(t.Context(), code, row.first, c, fixture.AnyCode)
		if err != nil {
			t.Fatal(err)
		}
		if row.meanwhile != nil {
			row.meanwhile(t, h, c, red)
		}
		got, replayed, err := h.RedeemCode(t.Context(), code, row.second, c, fixture.AnyCode)
		if wantInvalidGrant(t, name, err); !replayed || !got.Refresh.IsZero() {
			t.Errorf("%s: got replayed %v and a token %v, want a replay", name, replayed, !got.Refresh.IsZero())
		}
		h.wantEnded(t, red.Grant.ID)
	}
	// A repeat that fails a check is not one, and ends nothing.
	h := newHouse(t)
	c := h.register(t, "c_1")
	code := h.issue(t, c.ID)
	red, _, err := h.RedeemCode(t.Context(), code, "one", c, fixture.AnyCode)
	if err != nil {
		t.Fatal(err)
	}
	wrong := oauth.Refuse(oauth.InvalidGrant, "wrong verifier")
	_, replayed, err := h.RedeemCode(t.Context(), code, "one", c, func(store.Code) error { return wrong })
	if !errors.Is(err, wrong) || replayed {
		t.Errorf("wrong verifier: got replayed %v, %v", replayed, err)
	}
	h.wantLive(t, red.Grant.ID)
}

// A request that overtakes itself makes one grant, and every run of it gets that one; another
// request beside them still ends it (AC-04, I6).
func TestParallelRunsOfOneRequestShareOneGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.register(t, "c_1")
	for range 10 {
		code := h.issue(t, c.ID)
		var mu sync.Mutex
		tokens, fresh := map[string]bool{}, 0
		wins := parallel(16, func(int) bool {
			red, _, err := h.RedeemCode(t.Context(), code, "request", c, fixture.AnyCode)
			mu.Lock()
			defer mu.Unlock()
			if tokens[red.Refresh.Reveal()] = true; err == nil && !red.Repeated {
				fresh++
			}
			return err == nil
		})
		if wins != 16 || fresh != 1 || len(tokens) != 1 {
			t.Fatalf("got %d answers, %d redemptions, %d refresh tokens; want 16, 1, 1", wins, fresh, len(tokens))
		}
		_, replayed, err := h.RedeemCode(t.Context(), code, "other", c, fixture.AnyCode)
		if wantInvalidGrant(t, "another request", err); !replayed {
			t.Error("another request was not a replay")
		}
	}
}
